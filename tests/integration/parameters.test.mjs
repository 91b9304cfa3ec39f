// The parameters of the tools that list, read and steer, a row each, by what they do: through the hub and through the
// machine's own endpoint, which must answer alike. Those of create_session, update_session, fork_session,
// respond_permission and session_diff have tests of their own; the last part looks whether a parameter has none.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { McpClient, script, startWorld, until } from "../support/harness.mjs";
import { bash, runTurn } from "../support/turns.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const absent = "00000000-0000-4000-8000-000000000000";
const fields = (name, list) => list.map((one) => one[name]);

// What names a machine: each answers only for that one, and one that does not exist is not found.
const ofMachine = ["list_projects", "list_sessions", "list_permissions", "get_health", "get_health_details", "get_state", "get_machine"];

test("parameters, by their effect", async (t) => {
    const world = await startWorld(t, { machines: 2 });
    const [machine, other] = world.machines;
    const hub = world.client();
    const ways = [["the hub", hub], ["the machine", new McpClient(machine.localUrl)]];
    const first = await world.createSession("first", { title: "The first", machine: "m1" });
    const second = await world.createSession("second", { title: "The second", machine: "m1" });
    const elsewhere = await world.createSession("elsewhere", { machine: "m2" }, { machine: other });
    await runTurn(hub, first.session, script("One."));
    await runTurn(hub, first.session, script("Two."));
    await runTurn(hub, second.session, script("Other."));
    const slug = async (session) => (await hub.call("get_session", { session_id: session.session })).session.slug;
    const [firstSlug, secondSlug] = [await slug(first), await slug(second)];

    /** [tool, arguments, what must be true of the value, or the code of the error] */
    const rows = [
        ["list_sessions", { slug: firstSlug }, (v) => assert.deepEqual(fields("id", v.sessions), [first.session])],
        ["list_sessions", { slug: "-no-such" }, (v) => assert.deepEqual(v.sessions, [])],
        ["list_sessions", { limit: 1, machine: "m1" }, (v) => assert.ok(v.sessions.length === 1 && v.next_cursor)],
        ["list_sessions", { cursor: "nonsense" }, "cursor_invalid"],
        ["get_session", { session_id: first.session, slug: firstSlug }, (v) => assert.equal(v.session.title, "The first")],
        ["get_session", { session_id: first.session, slug: secondSlug }, "invalid_argument"],
        ["get_session", { session_id: first.session, limit: 1 }, (v) => assert.deepEqual([v.messages.length, v.truncated], [1, true])],
        ["get_session", { session_id: first.session, limit: 0 }, (v) => assert.deepEqual([v.messages, v.truncated], [[], true])],
        ["get_session", { session_id: first.session, machine: "m1" }, (v) => assert.equal(v.messages.length, 4)],
        ["get_session", { session_id: absent }, "not_found"],
        ["poll_events", { session_id: first.session, cursor: first.cursor, limit: 2, timeout_ms: 0 }, (v) => assert.deepEqual([v.events.length, v.has_more], [2, true])],
        ["poll_events", { session_id: second.session, cursor: second.cursor, timeout_ms: 0 }, (v) => assert.ok(v.events.length > 2 && v.events.every((e) => e.sessionId === second.session))],
        ["poll_events", { session_id: first.session, machine: "m1", timeout_ms: 0 }, (v) => assert.ok(v.events.some((e) => e.type === "session.idle"))],
        ["poll_events", { session_id: absent, timeout_ms: 0 }, "not_found"],
        ["get_events", { session_id: first.session, from_ordinal: 1, to_ordinal: 2 }, (v) => assert.deepEqual(fields("ordinal", v.events), [2, 1])],
        ["get_events", { session_id: first.session, from_ordinal: 1, limit: 2, order: "oldest_first", machine: "m1" }, (v) => assert.deepEqual(fields("ordinal", v.events), [1, 2])],
        ["get_events", { session_id: first.session, types: ["session.created"] }, (v) => assert.deepEqual(fields("ordinal", v.events), [0])],
        ["get_events", { session_id: first.session, from_ordinal: 9, to_ordinal: 8 }, "invalid_argument"],
        ["send_prompt", { session_id: absent, text: "x" }, "not_found"],
        ["send_prompt", { session_id: first.session, text: "x", cwd: second.cwd }, "invalid_argument"],
        ["send_prompt", { session_id: first.session, text: "x", slug: secondSlug }, "invalid_argument"],
        ["send_and_wait", { session_id: absent, text: "x" }, "not_found"],
        ["send_and_wait", { session_id: first.session, text: "x", cwd: second.cwd }, "invalid_argument"],
        ["send_and_wait", { session_id: first.session, text: "x", slug: secondSlug }, "invalid_argument"],
        ["send_and_wait", { session_id: second.session, text: script("Right."), cwd: second.cwd, slug: secondSlug, machine: "m1" }, (v) => assert.deepEqual([v.done, v.text], [true, "Right."])],
        ["abort_session", { session_id: first.session, machine: "m1" }, (v) => assert.deepEqual(v, { ok: true, was_running: false })],
        ["abort_session", { session_id: absent }, "not_found"],
        ["dispose_session", { session_id: absent }, "not_found"],
        ["respond_permission", { session_id: first.session, request_id: "none", behavior: "deny" }, "not_found"],
        ["revoke_grant", { session_id: first.session, grant_id: "none" }, "not_found"],
        ["revoke_grant", { session_id: first.session }, (v) => assert.equal(v.revoked, 0)],
        ["revoke_grant", { session_id: absent }, "not_found"],
        ...ofMachine.map((tool) => [tool, { machine: "nobody" }, "not_found"]),
        ...["get_session", "abort_session", "dispose_session", "revoke_grant", "get_events", "poll_events"].map((tool) => [tool, { session_id: first.session, machine: "nobody" }, "not_found"]),
    ];
    for (const [way, client] of ways)
        for (const [tool, args, wanted] of rows)
            await world.test(`${way}: ${tool} ${JSON.stringify(args).slice(0, 120)}`, async () => {
                if (typeof wanted === "string") await assert.rejects(client.call(tool, args), (e) => assert.equal(e.code, wanted, e.message) === undefined);
                else wanted(await client.call(tool, args));
            });

    await world.test("machine: only that one answers", async () => {
        const named = async (args) => ({
            list_projects: fields("path", (await hub.call("list_projects", args)).projects),
            list_sessions: fields("id", (await hub.call("list_sessions", args)).sessions).sort(),
            get_health: fields("machineName", (await hub.call("get_health", args)).machines),
            get_health_details: [...new Set(fields("machineName", (await hub.call("get_health_details", args)).subsystems))],
            get_state: fields("machineName", (await hub.call("get_state", args)).machines ?? []),
            get_machine: [(await hub.call("get_machine", args)).machine.name],
        });
        for (const chosen of [other.name, (await hub.call("get_machine", { machine: other.name })).machine.machineId]) {
            const answers = await named({ machine: chosen });
            assert.deepEqual(answers.list_projects, [elsewhere.cwd]);
            assert.deepEqual(answers.list_sessions, [elsewhere.session]);
            for (const tool of ["get_health", "get_health_details", "get_state", "get_machine"]) assert.deepEqual(answers[tool], [other.name], tool);
        }
        await assert.rejects(hub.call("create_session", { cwd: first.cwd }), (e) => e.code === "machine_ambiguous");
    });

    await world.test("the pages of list_sessions are the whole list", async () => {
        const whole = fields("id", (await hub.call("list_sessions")).sessions);
        const seen = [];
        for (let cursor; ; ) {
            const page = await hub.call("list_sessions", { limit: 1, ...(cursor ? { cursor } : {}) });
            seen.push(...fields("id", page.sessions));
            if (!(cursor = page.next_cursor)) break;
        }
        assert.deepEqual(seen, whole);
    });

    for (const [way, client] of ways)
        await world.test(`${way}: timeout_ms, abort_session, list_permissions, grant_id, dispose_session`, async () => {
            const { session } = await world.createSession(`steered-${way.length}`, { machine: "m1" }, { client, machine });
            const gate = `gate-${way.length}`;
            const waited = await client.call("send_and_wait", { session_id: session, text: script({ text: "Long.", hold: gate }), timeout_ms: 0 });
            assert.deepEqual([waited.done, waited.timedOut], [false, true]);
            await until(() => world.api.held.get(gate) > 0, "the turn to run");
            assert.deepEqual(await client.call("abort_session", { session_id: session }), { ok: true, was_running: true });
            world.api.releaseHold(gate);
            await world.reader({ session, cursor: waited.cursor }, client).until((e) => e.type === "session.idle");

            const ask = () => client.call("send_and_wait", { session_id: session, text: script(bash("touch a-file"), "Done.") });
            const asked = await ask();
            const { permissions } = await client.call("list_permissions", { machine: "m1" });
            assert.deepEqual(fields("requestId", permissions), fields("requestId", asked.pending_permissions));
            await client.call("respond_permission", { session_id: session, request_id: permissions[0].requestId, behavior: "allow_for_session", machine: "m1" });
            await world.reader({ session, cursor: asked.cursor }, client).until((e) => e.type === "session.idle");
            assert.equal((await ask()).done, true, "allowed for the session");
            const [grant] = (await client.call("get_session", { session_id: session })).grants;
            assert.equal((await client.call("revoke_grant", { session_id: session, grant_id: grant.id, machine: "m1" })).revoked, 1);
            const again = await ask();
            assert.equal(again.done, false, "asked about again");

            await client.call("dispose_session", { session_id: session, machine: "m1" });
            assert.equal((await client.call("get_session", { session_id: session })).session.status, "idle");
            await until(() => machine.processesOf(session).all.length === 0, "its processes to end");
        });

    await world.test("no parameter of any tool is without a test", async () => {
        const tests = readdirSync(here).filter((f) => f.endsWith(".test.mjs")).map((f) => readFileSync(join(here, f), "utf8")).join("\n");
        const { tools } = await hub.rpc("tools/list");
        for (const { name, inputSchema } of tools)
            for (const parameter of Object.keys(inputSchema.properties)) assert.match(tests, new RegExp(`\\b${parameter}\\b`), `${parameter} of ${name}`);
    });
});

// Machines that are away or copied, and credentials that are wrong or of somebody else.

import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Machine, script, startWorld, until } from "../support/harness.mjs";

const unknownId = "00000000-0000-4000-8000-000000000000";

test("machines of a workspace", async (t) => {
    const world = await startWorld(t, { machines: 2 });
    const [one, two] = world.machines;
    const client = world.client();

    await world.test("with two machines the call must say which, or the session tells it", async () => {
        await assert.rejects(client.call("create_session", { cwd: one.project("which") }), (error) => {
            assert.equal(error.code, "machine_ambiguous");
            assert.match(JSON.stringify(error.envelope), /m1.*m2|m2.*m1/, "the choices are named");
            return true;
        });
        const made = await client.call("create_session", { cwd: two.project("which"), machine: "m2" });
        const value = await client.call("send_and_wait", { session_id: made.sessionId, text: script("From the second.") });
        assert.ok(JSON.stringify(value).includes("From the second."));
    });

    await world.test("fan-out names the machine of each item", async () => {
        await client.call("create_session", { cwd: one.project("fan"), machine: "m1" });
        const { sessions } = await client.call("list_sessions");
        assert.deepEqual([...new Set(sessions.map((s) => s.machineName))].sort(), ["m1", "m2"]);
    });

    await world.test("an unlinked machine is offline, and is named in what could not be asked", async () => {
        const made = await client.call("create_session", { cwd: two.project("away"), machine: "m2" });
        await two.child.end();
        await world.online(two, false);
        await assert.rejects(client.call("send_prompt", { session_id: made.sessionId, text: "hello" }), (error) => {
            assert.equal(error.code, "machine_offline");
            assert.equal(error.envelope.retryable, true);
            assert.match(JSON.stringify(error.envelope), /last_?seen/i);
            return true;
        });
        const { unreachable } = await client.call("list_sessions");
        assert.deepEqual(unreachable.map((u) => u.reason), ["machine_offline"]);
        await two.start();
        await world.online(two);
        const value = await client.call("send_and_wait", { session_id: made.sessionId, text: script("Here again.") });
        assert.equal(value.done, true);
    });
});

test("a machine whose key was copied", async (t) => {
    const world = await startWorld(t);
    const [original] = world.machines;
    const client = world.client();
    const copy = new Machine(world, "copy");
    world.machines.push(copy);
    // The agent may be about to replace its link.json: the hub calls it online as soon as it has sent its welcome.
    cpSync(join(original.codezHome), copy.codezHome, { recursive: true, filter: (path) => !/(\.sock|\/socket|\.new)$/.test(path) });
    await copy.start();
    // The copy looks like a reconnect of the original, which stands back; when that comes again, both are known.
    await until(() => /superseded|newer link/i.test(original.child.output()), "the original to be told that another took its place");
    await original.child.end();
    await original.start();
    await until(async () => {
        const { machine } = await client.call("get_machine", { machine: "m1" });
        return machine.linkState !== "active" && machine.online === false;
    }, "the machine to be taken out of service");
    await assert.rejects(client.call("create_session", { cwd: original.project("x"), machine: "m1" }), (error) => /machine_(revoked|offline)/.test(error.code));
});

test("credentials", async (t) => {
    const world = await startWorld(t);
    const client = world.client();
    const made = await world.createSession("mine");

    await world.test("wrong and absent ones: 401 with a challenge, the same for both but for error", async () => {
        for (const credential of [undefined, "wrong", `${world.hub.credentials.api_key}x`, world.hub.credentials.join_token]) {
            const { status, headers, text } = await world.client(credential ?? "").post({ jsonrpc: "2.0", id: 1, method: "tools/list" });
            assert.equal(status, 401, text);
            assert.match(headers.get("www-authenticate"), /^Bearer .*resource_metadata="/);
            assert.equal(/invalid_token/.test(headers.get("www-authenticate")), credential !== undefined);
        }
    });

    await world.test("another workspace sees nothing, and cannot tell mine from what does not exist", async () => {
        const other = world.client((await world.hub.admin("workspace", "--name", "other", "--owner", "eve")).api_key);
        assert.deepEqual((await other.call("list_machines")).machines, []);
        assert.deepEqual((await other.call("list_sessions")).sessions, []);
        const { machines } = await client.call("list_machines");
        const failure = async (tool, args) => {
            const error = await other.call(tool, args).then(() => assert.fail("it worked"), (e) => e);
            return JSON.stringify({ ...error.envelope, request_id: "" });
        };
        const same = async (tool, mine, nobodys) => {
            const [a, b] = [await failure(tool, mine), await failure(tool, nobodys)];
            for (const [key, value] of Object.entries(mine)) assert.equal(a.replaceAll(value, nobodys[key]), b, `${tool}: a difference between "not yours" and "does not exist"`);
        };
        await same("get_session", { session_id: made.session }, { session_id: unknownId });
        await same("get_machine", { machine: machines[0].machineId }, { machine: "mch_nobodys" });
        await same("get_machine", { machine: "m1" }, { machine: "m9" });
        for (const cursor of [made.cursor]) await assert.rejects(other.call("poll_events", { cursor }), (e) => ["not_found", "cursor_invalid"].includes(e.code));
        await assert.rejects(other.call("create_session", { cwd: made.cwd, machine: "m1" }), (e) => e.code === "not_found");
    });

    await world.test("a join token is good for one machine", async () => {
        const second = new Machine(world, "second");
        await assert.rejects(second.enrol(world.hub.credentials.join_token), /codez setup/);
        await assert.rejects(second.enrol("czj_wrong"), /codez setup/);
    });

    await world.test("an MCP session id is no credential, and nobody else's", async () => {
        const start = { jsonrpc: "2.0", id: 1, method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } } };
        const { headers } = await client.post(start);
        const session = { "mcp-session-id": headers.get("mcp-session-id"), "mcp-protocol-version": "2025-11-25" };
        const list = { jsonrpc: "2.0", id: 2, method: "tools/list" };
        assert.equal((await world.client("").post(list, { headers: session })).status, 401);
        assert.equal((await client.post(list, { headers: session })).status, 200);
        assert.equal((await client.post(list, { headers: { ...session, "mcp-session-id": "forged" } })).status, 404);
    });
});

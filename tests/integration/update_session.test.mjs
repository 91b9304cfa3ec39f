// update_session: each parameter by its effect on what claude asks of the API, while a turn runs, between turns and while
// no claude runs; through the hub and at the machine itself.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { McpClient, script, startWorld, until } from "../support/harness.mjs";

test("update_session", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const ways = [["hub", world.client()], ["machine", new McpClient(machine.localUrl)]];
    const turn = (client, session, ...steps) => client.call("send_and_wait", { session_id: session, text: script(...steps) });
    const last = (session) => world.api.log.findLast((r) => r.session === session);
    const make = async (client, name, args = {}) => (await client.call("create_session", { cwd: machine.project(name), ...args })).sessionId;

    for (const [way, client] of ways) {
        await world.test(`in the middle of a turn: the mode at once, effort with the next turn (${way})`, async () => {
            const session = await make(client, `turn-${way}`, { model: "opus", effort: "low" });
            const edit = { tool: { name: "Write", input: { file_path: join(machine.project(`turn-${way}`), "f"), content: "x" } } };
            const sent = await client.call("send_prompt", { session_id: session, text: script({ text: "A long one.", hold: `${way}-1`, ...edit }, "The end.") });
            await until(() => world.api.held.get(`${way}-1`) > 0, "the turn to run");
            await client.call("update_session", { session_id: session, permission_mode: "acceptEdits", effort: "high" });
            world.api.releaseHold(`${way}-1`);
            await world.reader({ session, cursor: sent.cursor }, client).until((e) => e.type === "session.idle");
            await turn(client, session, "The next.");
            assert.equal(last(session).effort, "high");
            await client.call("dispose_session", { session_id: session });
        });

        await world.test(`what it does not take (${way})`, async () => {
            const session = await make(client, `wrong-${way}`);
            const fails = (args, code, text) => assert.rejects(client.call("update_session", { session_id: session, ...args }), (e) => e.code === code && e.message.includes(text), `${code} ${text}`);
            await fails({}, "invalid_argument", "`title`");
            await fails({ title: "" }, "invalid_argument", "title");
            await fails({ effort: "none" }, "invalid_argument", "effort");
            await fails({ model: " x" }, "invalid_argument", "model");
            await fails({ permission_mode: "auto" }, "policy_denied", "max_permission_mode");
            await fails({ permission_mode: "bypassPermissions" }, "policy_denied", "max_permission_mode");
            await fails({ slug: "-other", title: "x" }, "invalid_argument", "slug");
            await assert.rejects(client.call("update_session", { session_id: "nobody", title: "x" }), (e) => e.code === "not_found");
        });
        if (way === "machine") continue;

        await world.test(`a claude that runs takes each at once, and so does every later one (${way})`, async () => {
            const session = await make(client, `live-${way}`, { title: "First", model: "opus", effort: "low" });
            await turn(client, session, "One.");
            const { cursor } = await client.call("send_prompt", { session_id: session, text: script("Two.") }).then(async (sent) => (await world.reader({ session, cursor: sent.cursor }, client).until((e) => e.type === "session.idle"), sent));
            const answer = await client.call("update_session", { session_id: session, title: "Second", model: "haiku", permission_mode: "acceptEdits", effort: "max" });
            assert.equal(answer.ok, true);
            assert.deepEqual([answer.session.title, answer.session.model, answer.session.permissionMode], ["Second", "haiku", "acceptEdits"]);
            const told = world.reader({ session, cursor }, client);
            await told.until((e) => e.type === "session.updated" && e.session.title === "Second", "the change to be told");

            const edit = { tool: { name: "Write", input: { file_path: join(machine.project(`live-${way}`), "f"), content: "x" } } };
            for (const time of ["at once", "resumed"]) {
                const done = await turn(client, session, edit, "Written.");
                assert.equal(done.text, "Written.", `${time}: no permission is asked`);
                assert.match(last(session).model, /haiku/, time);
                await client.call("dispose_session", { session_id: session });
            }
            await client.call("update_session", { session_id: session, model: "opus" });
            await turn(client, session, "Three.");
            assert.match(last(session).model, /opus/);
            assert.equal(last(session).effort, "max");
            await client.call("dispose_session", { session_id: session });
        });

        await world.test(`one that nobody runs is started with it (${way})`, async () => {
            const session = await make(client, `idle-${way}`);
            await turn(client, session, "One.");
            await client.call("dispose_session", { session_id: session });
            const { session: changed } = await client.call("update_session", { session_id: session, title: "Asleep", model: "claude-sonnet-4-5", permission_mode: "plan", effort: "high" });
            assert.deepEqual([changed.title, changed.model, changed.permissionMode, changed.status], ["Asleep", "claude-sonnet-4-5", "plan", "idle"]);
            await turn(client, session, "Two.");
            const { command } = machine.processesOf(session).claude;
            for (const argument of ["--model=claude-sonnet-4-5", "--permission-mode=plan", "--effort=high"]) assert.ok(command.includes(argument), command);
            assert.equal((await client.call("get_session", { session_id: session, limit: 0 })).session.title, "Asleep");
            await client.call("dispose_session", { session_id: session });
        });
    }

    await world.test("the same key changes once", async () => {
        const client = world.client();
        const session = await make(client, "keyed");
        const args = { session_id: session, title: "Once", idempotency_key: "k1" };
        const first = await client.call("update_session", args);
        await client.call("update_session", { session_id: session, title: "Later" });
        assert.deepEqual(await client.call("update_session", args), first);
        assert.equal((await client.call("get_session", { session_id: session, limit: 0 })).session.title, "Later");
    });
});

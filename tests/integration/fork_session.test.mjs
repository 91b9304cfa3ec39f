// fork_session: the new session knows what was said until then and goes its own way; through the hub and at the machine.

import assert from "node:assert/strict";
import { test } from "node:test";

import { McpClient, script, startWorld, until } from "../support/harness.mjs";
import { textsOf } from "../support/turns.mjs";

test("fork_session", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const ways = [["hub", world.client()], ["machine", new McpClient(machine.localUrl)]];
    const turn = (client, session, ...steps) => client.call("send_and_wait", { session_id: session, text: script(...steps) });
    const make = async (client, name, args = {}) => (await client.call("create_session", { cwd: machine.project(name), ...args })).sessionId;
    const said = async (client, session) => textsOf((await client.call("get_session", { session_id: session })).messages.filter((m) => m.role === "assistant"));
    const dispose = (client, session) => client.call("dispose_session", { session_id: session });

    for (const [way, client] of ways) {
        await world.test(`goes on from there, with the same options, and leaves the other one alone (${way})`, async () => {
            const from = await make(client, `a-${way}`, { effort: "low", model: "opus", title: "Original", append_system_prompt: "Mind the fork." });
            await turn(client, from, "One.");
            await turn(client, from, "Two.");
            const made = await client.call("fork_session", { session_id: from, title: "Copy" });
            assert.equal(made.forkedFrom, from);
            assert.notEqual(made.sessionId, from);
            assert.equal(made.cwd, machine.project(`a-${way}`));
            assert.deepEqual(await said(client, made.sessionId), ["One.", "Two."], "before its first turn");
            await turn(client, from, "Three.");
            await dispose(client, made.sessionId); // it never had a turn: what it is a copy of must not be lost

            const done = await turn(client, made.sessionId, "Another three.");
            assert.equal(done.text, "Another three.");
            const request = world.api.log.findLast((r) => r.session === made.sessionId);
            assert.deepEqual([request.effort, request.system.includes("Mind the fork.")], ["low", true]);
            assert.equal(request.answers, 2, "the API was told what was said until the fork, and no more");
            assert.deepEqual(await said(client, made.sessionId), ["One.", "Two.", "Another three."]);
            assert.deepEqual(await said(client, from), ["One.", "Two.", "Three."]);

            await dispose(client, made.sessionId);
            assert.equal((await turn(client, made.sessionId, "Four.")).text, "Four.");
            const { session } = await client.call("get_session", { session_id: made.sessionId, limit: 0 });
            assert.deepEqual([session.title, session.forkedFrom], ["Copy", from]);

            const events = world.reader({ session: made.sessionId, cursor: made.cursor }, client);
            await events.until((e) => e.type === "session.idle");
            assert.equal(events.events[0].type, "session.created", "the cursor is where its events begin");
        });

        if (way === "machine") continue;
        await world.test(`a fork of a fork, and of a session that nobody runs (${way})`, async () => {
            const from = await make(client, `b-${way}`);
            await turn(client, from, "One.");
            await dispose(client, from);
            const first = (await client.call("fork_session", { session_id: from })).sessionId;
            const second = (await client.call("fork_session", { session_id: first })).sessionId;
            assert.deepEqual(await said(client, second), ["One."]);
            await turn(client, second, "Two.");
            const third = (await client.call("fork_session", { session_id: second })).sessionId;
            await turn(client, third, "Three.");
            assert.deepEqual(await said(client, third), ["One.", "Two.", "Three."]);
            assert.equal(world.api.log.findLast((r) => r.session === third).answers, 2);
            for (const id of [first, second, third]) await dispose(client, id);
        });

        await world.test(`what cannot be forked (${way})`, async () => {
            const fails = (session, code, text) => assert.rejects(client.call("fork_session", { session_id: session }), (e) => e.code === code && e.message.includes(text), `${code} ${text}`);
            await fails("nobody", "not_found", "nobody");
            const silent = await make(client, `c-${way}`);
            await fails(silent, "invalid_argument", "Nothing was said");
            await client.call("send_prompt", { session_id: silent, text: script({ text: "A long one.", hold: `fork-${way}` }) });
            await until(() => world.api.held.get(`fork-${way}`) > 0, "the turn to run");
            await fails(silent, "session_busy", "middle of a turn");
            world.api.releaseHold(`fork-${way}`);
            await dispose(client, silent);
            const gone = await make(client, `d-${way}`, { persist_session: false });
            await turn(client, gone, "Hello.");
            await fails(gone, "invalid_argument", "persist_session");
            await dispose(client, gone);
        });
    }

    await world.test("the same key forks once", async () => {
        const client = world.client();
        const from = await make(client, "keyed");
        await turn(client, from, "One.");
        const args = { session_id: from, idempotency_key: "fork-1" };
        const first = await client.call("fork_session", args);
        assert.deepEqual(await client.call("fork_session", args), first);
        await assert.rejects(client.call("fork_session", { ...args, title: "Other" }), (e) => e.code === "idempotency_conflict");
        assert.equal((await client.call("list_sessions")).sessions.filter((s) => s.cwd === machine.project("keyed")).length, 2);
    });
});

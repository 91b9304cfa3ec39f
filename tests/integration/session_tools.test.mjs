// The tools beside a session's own work, each through the hub and through the machine's local endpoint: the same answers.

import assert from "node:assert/strict";
import { test } from "node:test";

import { McpClient, script, startWorld } from "../support/harness.mjs";
import { runTurn } from "../support/turns.mjs";

test("the tools beside the conversation", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const remote = world.client();
    const local = () => new McpClient(machine.localUrl);
    const both = () => [["the hub", remote], ["the local endpoint", local()]];
    const { session } = await world.createSession("tools");
    await runTurn(remote, session, script("First."));
    await runTurn(remote, session, script("Second."));

    await world.test("get_events pages back through the log, also after a restart", async () => {
        const whole = await remote.call("get_events", { session_id: session, order: "oldest_first", limit: 1000 });
        assert.equal(whole.count, whole.events.length);
        assert.deepEqual(whole.events.map((e) => e.ordinal), whole.events.map((_, i) => i), "each from the first on");
        assert.equal(whole.events[0].type, "session.created");
        assert.equal(whole.events.filter((e) => e.type === "session.idle").length, 2);

        const first = await remote.call("get_events", { session_id: session, limit: 3 });
        assert.deepEqual(first.events, whole.events.slice(-3).reverse());
        await machine.kill();
        await machine.start();
        await world.online(machine);
        for (const [name, client] of both()) {
            let seen = first.events;
            for (let cursor = first.next_cursor; cursor; ) {
                const page = await client.call("get_events", { session_id: session, limit: 3, cursor });
                seen = [...seen, ...page.events];
                cursor = page.next_cursor;
            }
            assert.deepEqual(seen.filter((e) => e.ordinal < whole.count), [...whole.events].reverse(), name);
            const ends = await client.call("get_events", { session_id: session, types: ["session.idle"], to_ordinal: whole.count - 1 });
            assert.deepEqual(ends.events, whole.events.filter((e) => e.type === "session.idle").reverse(), name);
            await assert.rejects(client.call("get_events", { session_id: session, cursor: "0:elsewhere" }), (e) => e.code === "cursor_invalid");
            await assert.rejects(client.call("get_events", { session_id: "nobody" }), (e) => e.code === "not_found");
        }
    });

    await world.test("the state is one, whoever changes it, and outlives the agent", async () => {
        const marker = { id: "k1", messageId: "msg_1", label: "look here" };
        for (const [name, client] of both()) {
            await client.call("update_state", { patch: { preferences: { by: name, [name]: true }, markers: { [session]: [marker] }, recentCwds: [`/${name.replace(" ", "-")}`] } });
            for (const [, reader] of both()) {
                const state = await reader.call("get_state");
                assert.equal(state.preferences.by, name);
                assert.deepEqual(state.recentCwds, [`/${name.replace(" ", "-")}`]);
                assert.equal(state.markers[session][0].label, "look here");
                assert.equal(state.machines[0].machineName, machine.name);
            }
        }
        assert.deepEqual((await remote.call("update_state", { patch: { preferences: { "the hub": null } } })).preferences, { by: "the local endpoint", "the local endpoint": true });
        const key = { idempotency_key: "once" };
        const before = await remote.call("update_state", { patch: { preferences: { n: 1 } }, ...key });
        await remote.call("update_state", { patch: { preferences: { n: 2 } } });
        assert.deepEqual(await remote.call("update_state", { patch: { preferences: { n: 1 } }, ...key }), before, "the same key, the same answer");
        assert.equal((await remote.call("get_state")).preferences.n, 2, "and nothing done again");
        await machine.kill();
        await machine.start();
        await world.online(machine);
        assert.equal((await remote.call("get_state")).preferences.n, 2);
        for (const [, client] of both()) {
            await assert.rejects(client.call("update_state", { patch: { markers: { [session]: [{ id: "k" }] } } }), (e) => e.code === "invalid_argument" && e.message.includes("messageId"));
            await assert.rejects(client.call("update_state", { patch: { preferences: { big: "x".repeat(70_000) } } }), (e) => e.code === "resource_exhausted");
        }
    });
});

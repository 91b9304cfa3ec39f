// A machine that runs one session at a time: what is idle gives way or is ended after a while, what finds no place waits
// in line, and every prompt runs once.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { script, startWorld, until } from "../support/harness.mjs";
import { ended } from "../support/turns.mjs";

test("places for sessions", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const client = world.client();
    const setPolicy = async (more) => {
        await machine.child.end();
        writeFileSync(join(machine.codezHome, "config/agent.toml"), `roots = [${JSON.stringify(machine.root)}]\n${more}\n`);
        await machine.start();
        await world.online(machine);
    };
    const statusOf = async (session) => (await client.call("get_session", { session_id: session, limit: 0 })).session.status;
    const asked = (session) => world.api.log.filter((r) => r.session === session).length;

    await world.test("an idle session gives way to another and comes back with its conversation", async () => {
        await setPolicy("max_sessions = 1");
        const first = (await world.createSession("first")).session;
        const said = await client.call("send_and_wait", { session_id: first, text: script("Said first.") });
        assert.equal(said.text, "Said first.");
        const second = (await world.createSession("second")).session;
        assert.deepEqual([await statusOf(first), await statusOf(second)], ["idle", "live"]);
        const back = await client.call("send_and_wait", { session_id: first, text: script("Said again.") });
        assert.deepEqual([back.text, back.via], ["Said again.", "resume"]);
        assert.equal(await statusOf(second), "idle");
        const { messages } = await client.call("get_session", { session_id: first });
        assert.equal(messages.filter((m) => m.role === "user").length, 2);
    });

    await world.test("prompts that find no place run in their order, each once, also when the agent is killed", async () => {
        const busy = (await world.createSession("busy")).session;
        await client.call("send_prompt", { session_id: busy, text: script({ text: "Done.", hold: "place" }) });
        await until(() => world.api.held.get("place") === 1, "the only place to be taken");
        const waiting = [];
        for (const name of ["w1", "w2", "w3"]) {
            const made = await world.createSession(name);
            const key = { idempotency_key: `line-${name}` };
            const sent = await client.call("send_prompt", { session_id: made.session, text: script(`Answer of ${name}.`), ...key });
            assert.equal(sent.queuePosition, waiting.length + 1, JSON.stringify(sent));
            assert.deepEqual(await client.call("send_prompt", { session_id: made.session, text: script(`Answer of ${name}.`), ...key }), sent);
            waiting.push({ ...made, ...sent });
        }
        assert.equal((await client.call("get_health")).machines[0].waitingSessions, 3);
        await client.call("abort_session", { session_id: waiting[1].session });

        await machine.kill();
        await machine.start();
        await world.online(machine);
        const { sessions } = await client.call("list_sessions");
        const position = (w) => sessions.find((s) => s.id === w.session).queuePosition;
        assert.deepEqual(waiting.map(position), [1, undefined, 2]);

        world.api.releaseHold("place");
        for (const w of [waiting[0], waiting[2]]) {
            const end = await world.reader({ session: w.session, cursor: w.cursor }).until(ended, "the end of a turn that waited");
            assert.equal(end.type, "session.idle", JSON.stringify(end));
            assert.equal(asked(w.session), 1);
        }
        assert.equal(asked(waiting[1].session), 0, "what was aborted in line never ran");
        assert.equal(asked(busy), 1);
        const order = world.api.log.map((r) => r.session).filter((s) => s === waiting[0].session || s === waiting[2].session);
        assert.deepEqual(order, [waiting[0].session, waiting[2].session]);
    });

    await world.test("a fork that finds no place is made, and its first prompt waits for one", async () => {
        const from = (await world.createSession("original")).session;
        await client.call("send_and_wait", { session_id: from, text: script("Said before.") });
        const busy = (await world.createSession("busy again")).session;
        await client.call("send_prompt", { session_id: busy, text: script({ text: "Done.", hold: "fork" }) });
        await until(() => world.api.held.get("fork") === 1, "the only place to be taken");
        const { sessionId: fork, cursor } = await client.call("fork_session", { session_id: from });
        assert.equal(await statusOf(fork), "idle");
        assert.equal((await client.call("send_prompt", { session_id: fork, text: script("Said after.") })).queuePosition, 1);
        world.api.releaseHold("fork");
        await world.reader({ session: fork, cursor }).until(ended, "the end of the fork's turn");
        assert.equal(world.api.log.findLast((r) => r.session === fork).answers, 1, "it knows what was said before");
    });

    await world.test("a session that does nothing for idle_minutes is ended and resumed by its next prompt", async () => {
        await setPolicy("idle_minutes = 0.01");
        const { session, cursor } = await world.createSession("idle");
        await until(async () => (await statusOf(session)) === "idle", "the session to be ended");
        await until(() => machine.processesOf(session).all.length === 0, "its processes to end");
        const answer = await client.call("send_and_wait", { session_id: session, text: script("Here again.") });
        assert.equal(answer.text, "Here again.");
        const { events } = await client.call("poll_events", { session_id: session, cursor, timeout_ms: 0 });
        assert.ok(!events.some((e) => e.type === "session.error"), JSON.stringify(events));
    });
});

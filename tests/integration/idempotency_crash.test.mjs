// The same call with the same key acts once and gives the same answer: when the caller lost the answer, when it asks
// twice at once, and when the agent is killed with kill -9 somewhere in between.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { script, startWorld, until } from "../support/harness.mjs";
import { bash, ended } from "../support/turns.mjs";

const lost = new Set(["machine_offline", "unknown_outcome", "route_unavailable", "timeout", "session_busy"]);

/** Calls until there is an answer that is not about the way to the machine. */
async function insist(client, tool, args) {
    return until(async () => {
        try {
            return await client.call(tool, args);
        } catch (error) {
            if (lost.has(error.code)) return null;
            return Promise.reject(error);
        }
    }, `an answer of ${tool}`, { ms: 60_000 });
}

test("a call with a key", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const client = world.client();
    const prompts = (mark) => world.api.log.filter((r) => r.prompt.includes(mark) && r.toolResults.length === 0).length;

    /** Sends the call, kills the agent `ms` later, starts it again, and asks until there is an answer. */
    const cut = async (tool, args, ms) => {
        const first = client.call(tool, args).catch((error) => error);
        await pause(ms);
        await machine.kill();
        await first;
        await machine.start();
        await world.online(machine);
        const answer = await insist(client, tool, args);
        assert.deepEqual(await client.call(tool, args), answer, `${tool} again`);
        return answer;
    };

    await world.test("create_session, killed while claude starts and later", async () => {
        for (const [i, ms] of [5, 60, 400].entries()) {
            const cwd = machine.project(`cut-${i}`);
            const made = await cut("create_session", { cwd, idempotency_key: `create-${i}` }, ms);
            const { sessions } = await client.call("list_sessions");
            assert.deepEqual(sessions.filter((s) => s.cwd === cwd).map((s) => s.id), [made.sessionId]);
            const { events } = await client.call("poll_events", { session_id: made.sessionId, cursor: made.cursor, timeout_ms: 0 });
            assert.equal(events[0].type, "session.created", "the cursor is where it begins");
            assert.equal(machine.processesOf(made.sessionId).all.filter((p) => p.command.includes("--session-id")).length, 1, "one claude");
            await assert.rejects(client.call("create_session", { cwd: machine.root, idempotency_key: `create-${i}` }), (e) => e.code === "idempotency_conflict");
        }
    });

    await world.test("send_prompt and send_and_wait, killed before and while claude works", async () => {
        const { session } = await world.createSession("prompts");
        for (const [i, ms] of [2, 30].entries()) {
            const text = `mark-${i} ${script(`Answer ${i}.`)}`;
            const sent = await cut("send_prompt", { session_id: session, text, idempotency_key: `send-${i}` }, ms);
            await world.reader({ session, cursor: sent.cursor }).until(ended, "the end of the turn");
            assert.equal(prompts(`mark-${i} `), 1, "claude was asked once");
        }
        const text = `mark-waited ${script({ text: "Waited for.", hold: "the answer" })}`;
        const args = { session_id: session, text, idempotency_key: "wait" };
        const first = client.call("send_and_wait", args).catch((error) => error);
        await until(() => world.api.held.get("the answer") === 1, "claude to work");
        await machine.kill();
        assert.equal((await first).code, "unknown_outcome");
        await machine.start();
        await world.online(machine);
        const again = client.call("send_and_wait", args);
        world.api.releaseHold("the answer");
        const answer = await again;
        assert.deepEqual([answer.done, answer.text], [true, "Waited for."]);
        assert.deepEqual(await client.call("send_and_wait", args), answer);
        assert.equal(prompts("mark-waited "), 1);
        for (const other of [["send_prompt", args], ["send_and_wait", { ...args, text: "another" }], ["abort_session", { session_id: session, idempotency_key: "wait" }]])
            await assert.rejects(client.call(...other), (e) => e.code === "idempotency_conflict", other[0]);
    });

    await world.test("respond_permission", async () => {
        const { session, cwd, cursor } = await world.createSession("permissions");
        const reader = world.reader({ session, cursor });
        await client.call("send_prompt", { session_id: session, text: script(bash("echo ran >> ran.txt"), "Done.") });
        const asked = await reader.untilType("channel.permission_request");
        const answer = await cut("respond_permission", { session_id: session, request_id: asked.request.requestId, behavior: "allow", idempotency_key: "allow" }, 4);
        assert.deepEqual(answer, { ok: true });
        await reader.until(ended, "the end of the turn");
        assert.equal(readFileSync(join(cwd, "ran.txt"), "utf8"), "ran\n");
        assert.equal(reader.events.filter((e) => e.type === "channel.permission_resolved").length, 1);
    });

    await world.test("abort_session and dispose_session end what they were meant for, not what came later", async () => {
        const { session, cwd } = await world.createSession("ended");
        const begin = async (mark) => {
            const sent = await client.call("send_prompt", { session_id: session, text: script({ text: "Long.", hold: mark }) });
            await until(() => world.api.held.get(mark) === 1, "claude to work");
            return sent;
        };
        const first = await begin("first");
        await cut("abort_session", { session_id: session, idempotency_key: "abort" }, 3);
        await world.reader({ session, cursor: first.cursor }).until(ended, "the end of the turn");
        const second = await begin("second");
        assert.equal((await client.call("abort_session", { session_id: session, idempotency_key: "abort" })).ok, true);
        await cut("dispose_session", { session_id: session, idempotency_key: "dispose" }, 3);
        await world.reader({ session, cursor: second.cursor }).until(ended, "the end of the turn");
        assert.equal((await client.call("get_session", { session_id: session, limit: 0 })).session.status, "idle");

        const third = await begin("third");
        for (const [tool, key] of [["abort_session", "abort"], ["dispose_session", "dispose"]]) assert.equal((await client.call(tool, { session_id: session, idempotency_key: key })).ok, true);
        assert.equal((await client.call("get_session", { session_id: session, limit: 0 })).session.state, "running");
        writeFileSync(join(cwd, "x"), "");
        world.api.releaseHold("third");
        const end = await world.reader({ session, cursor: third.cursor }).until(ended, "the end of the turn");
        assert.equal(end.type, "session.idle");
        assert.ok(existsSync(cwd));
    });

    await world.test("an answer that the caller lost comes again, byte by byte", async () => {
        const cwd = machine.project("lost");
        const body = (id) => ({ jsonrpc: "2.0", id, method: "tools/call", params: { name: "create_session", arguments: { cwd, idempotency_key: "lost" } } });
        const stop = new AbortController();
        const gone = client.post(body(1), { signal: stop.signal }).catch((error) => error);
        await until(async () => (await client.call("list_sessions")).sessions.some((s) => s.cwd === cwd), "the session");
        stop.abort();
        await gone;
        const [first, second] = [await client.post(body(2)), await client.post(body(2))];
        assert.equal(first.text, second.text);
        const both = await Promise.all([3, 3, 3].map((id) => client.post(body(id))));
        assert.equal(new Set(both.map((r) => r.text)).size, 1);
        assert.equal((await client.call("list_sessions")).sessions.filter((s) => s.cwd === cwd).length, 1);
    });
});

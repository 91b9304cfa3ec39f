// abort_session in each state that a session can be in: what was going on ends, everybody is told so once and truthfully,
// and the session takes the next prompt.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { script, startWorld, until } from "../support/harness.mjs";
import { processesOf } from "../support/processes.mjs";
import { bash } from "../support/turns.mjs";

const loop = (cwd) => `touch ${cwd}/started; until [ -e ${cwd}/never ]; do sleep 0.05; done`;
const subagent = (...steps) => ({ tool: { name: "Agent", input: { description: "a part of it", prompt: `The part: ${script(...steps)}`, subagent_type: "general-purpose", run_in_background: false } } });

// What the session does, how one sees that it is at it, and what else must hold after the abort.
const states = {
    "while the model speaks": {
        text: () => script({ text: "a long answer that nobody waits for", hold: "speaks" }),
        ready: ({ world }) => world.api.held.get("speaks") === 1,
    },
    "while a command runs": {
        text: ({ cwd }) => script(bash(loop(cwd)), "never said"),
        allow: true,
        ready: ({ cwd }) => existsSync(join(cwd, "started")),
        after: ({ world, cwd }) => until(() => !processesOf(world.dir).some((p) => p.command.includes(`${cwd}/never`)), "the command to end"),
    },
    "while a permission request waits": {
        text: () => script(bash("touch never"), "never said"),
        ready: ({ reader }) => reader.events.some((e) => e.type === "channel.permission_request"),
        after: ({ reader, cwd }) => {
            const resolved = reader.events.filter((e) => e.type === "channel.permission_resolved");
            assert.deepEqual(resolved.map((e) => e.behavior), ["withdrawn"]);
            assert.ok(!existsSync(join(cwd, "never")));
        },
    },
    "while claude waits to ask the API again": {
        text: () => script({ error: { status: 529, retry_after: 60 } }),
        ready: ({ world, session }) => world.api.log.some((r) => r.session === session && r.outcome === "error"),
    },
    "while a subagent works": {
        text: () => script(subagent({ text: "the subagent's long answer", hold: "subagent" }), "never said"),
        ready: ({ world }) => world.api.held.get("subagent") === 1,
        after: ({ reader }) => {
            const count = (type) => reader.events.filter((e) => e.type === type).length;
            assert.equal(count("task.started"), 1);
            assert.equal(count("task.finished"), 1);
        },
    },
};

test("a turn that is interrupted", async (t) => {
    const world = await startWorld(t);
    const client = world.client();

    for (const [name, state] of Object.entries(states))
        await world.test(name, async () => {
            const { session, cwd, cursor } = await world.createSession(name.replaceAll(" ", "-"));
            const reader = world.reader({ session, cursor });
            const here = { world, session, cwd, reader };
            await client.call("send_prompt", { session_id: session, text: state.text(here) });
            if (state.allow) {
                const asked = await reader.untilType("channel.permission_request");
                await client.call("respond_permission", { session_id: session, request_id: asked.request.requestId, behavior: "allow" });
            }
            await until(async () => state.ready(here) || (await reader.poll(200), state.ready(here)), name);
            assert.deepEqual(await client.call("abort_session", { session_id: session }), { ok: true, was_running: true });

            const idle = await reader.untilType("session.idle");
            assert.equal(idle.result.isError, true);
            assert.match(idle.result.reason, /^aborted/);
            const errors = reader.events.filter((e) => e.type === "session.error");
            assert.deepEqual(errors.map((e) => e.error), ["The turn was interrupted."]);
            const running = new Set(reader.events.filter((e) => e.type === "message.part.updated").map((e) => e.part.id));
            for (const e of reader.events.filter((e) => e.type === "message.part.completed")) running.delete(e.part.id);
            assert.deepEqual([...running], [], "every tool has ended");
            await state.after?.(here);

            const { session: now, pending_permissions } = await client.call("get_session", { session_id: session, limit: 0 });
            assert.deepEqual([now.status, now.state, pending_permissions.length], ["live", "idle", 0]);
            const next = await client.call("send_and_wait", { session_id: session, text: script("Well again.") });
            assert.deepEqual([next.done, next.ok, next.text], [true, true, "Well again."]);
            assert.equal(reader.events.filter((e) => e.type === "session.idle").length, 1, "its end was told once");
        });

    await world.test("with prompts that wait: none of them runs", async () => {
        const { session, cursor } = await world.createSession("queue");
        const send = (text) => client.call("send_prompt", { session_id: session, text });
        await send(script({ text: "the first one's long answer", hold: "queue" }));
        await until(() => world.api.held.get("queue") === 1, "the first prompt's turn");
        const waiting = [1, 2].map((n) => client.call("send_and_wait", { session_id: session, text: `waits-${n} ${script(`Never said ${n}.`)}` }));
        const reader = world.reader({ session, cursor });
        await reader.until((e) => e.type === "message.created" && e.message.parts[0]?.text?.includes("waits-2"), "the last prompt to be accepted");
        await until(async () => (await client.call("abort_session", { session_id: session })).was_running, "a turn to interrupt");
        for (const value of await Promise.all(waiting)) {
            assert.deepEqual([value.done, value.ok, value.is_error], [true, false, true], JSON.stringify(value));
            assert.match(value.error, /interrupted|cancelled/);
        }
        const next = await client.call("send_and_wait", { session_id: session, text: script("After the queue.") });
        assert.equal(next.text, "After the queue.");
        assert.equal(world.api.log.filter((r) => r.prompt.includes("SCRIPT<<[\"Never said")).length, 0, "the model was never asked");
    });

    await world.test("of an agent in the background, whose turn is over", async () => {
        const { session, cursor } = await world.createSession("background");
        const part = subagent({ text: "the background's long answer", hold: "background" });
        part.tool.input.run_in_background = true;
        const value = await client.call("send_and_wait", { session_id: session, text: script(part, "It works for me.") });
        assert.deepEqual([value.ok, value.text], [true, "It works for me."]);
        await until(() => world.api.held.get("background") === 1, "the agent to work");
        const state = async () => (await client.call("get_session", { session_id: session, limit: 0 })).session.state;
        assert.equal(await state(), "running");
        assert.deepEqual(await client.call("abort_session", { session_id: session }), { ok: true, was_running: true });
        const reader = world.reader({ session, cursor });
        const finished = await reader.untilType("task.finished");
        assert.equal(finished.state, "stopped");
        await until(async () => (await state()) === "idle", "the session to be idle");
        const next = await client.call("send_and_wait", { session_id: session, text: script("Well again.") });
        assert.deepEqual([next.ok, next.text], [true, "Well again."]);
    });

    await world.test("of a session that does nothing", async () => {
        const { session, cursor } = await world.createSession("idle");
        assert.deepEqual(await client.call("abort_session", { session_id: session }), { ok: true, was_running: false });
        const value = await client.call("send_and_wait", { session_id: session, text: script("Not disturbed.") });
        assert.deepEqual([value.ok, value.text], [true, "Not disturbed."]);
        const reader = world.reader({ session, cursor });
        await reader.untilType("session.idle");
        assert.ok(!reader.events.some((e) => e.type === "session.error"));
    });
});

// Turns that are more than a question and an answer: prompts that wait, subagents, tasks in the background, an API that
// fails. The events and the final state say what really happened.

import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { script, startWorld, until } from "../support/harness.mjs";
import { bash, checkWhole, runTurn } from "../support/turns.mjs";

const stateOf = async (client, session) => (await client.call("get_session", { session_id: session, limit: 0 })).session.state;
const types = (events, type) => events.filter((e) => e.type === type);

test("turns of every kind", async (t) => {
    const world = await startWorld(t);
    const client = world.client();

    await world.test("prompts to a busy session wait, and run in their order", async () => {
        const { session, cursor } = await world.createSession("queue");
        const send = (n, step) => client.call("send_and_wait", { session_id: session, text: `number-${n} ${script(step)}`, timeout_ms: 45_000 });
        const first = send(1, { text: "Answer 1.", hold: "first" });
        await until(() => world.api.held.get("first") === 1, "the first turn");
        const reader = world.reader({ session, cursor });
        const accepted = (n) => reader.until((e) => e.type === "message.created" && e.message.parts[0]?.text?.startsWith(`number-${n}`), `prompt ${n}`);
        const second = send(2, "Answer 2.");
        await accepted(2);
        const third = send(3, "Answer 3.");
        await accepted(3);
        assert.equal(world.api.log.filter((r) => /number-[23]/.test(r.prompt)).length, 0, "nobody has asked the model yet");
        world.api.releaseHold("first");
        const answers = await Promise.all([first, second, third]);
        for (const value of answers) assert.deepEqual([value.done, value.ok], [true, true], JSON.stringify(value));
        assert.equal(answers[0].text, "Answer 1.");
        // Claude may make one turn of prompts that waited; then the last one's answer is that of both.
        assert.match(answers[1].text, /Answer [23]\./);
        assert.equal(answers[2].text, "Answer 3.");
        await until(async () => (await stateOf(client, session)) === "idle", "the session to be idle");
        while ((await reader.poll(0)).length > 0);
        checkWhole(reader.events);
    });

    await world.test("a subagent asks for permission itself, and its messages name it", async () => {
        const { session, cwd } = await world.createSession("subagent");
        const input = { description: "a part of it", prompt: `The part: ${script(bash("touch by-the-subagent"), "Part done.")}`, subagent_type: "general-purpose", run_in_background: false };
        const { events, answered, end } = await runTurn(client, session, script({ tool: { name: "Agent", input } }, "All done."));
        assert.equal(end.type, "session.idle", JSON.stringify(end));
        assert.equal(answered, 1);
        assert.ok(existsSync(join(cwd, "by-the-subagent")));
        const [started] = types(events, "task.started");
        const [finished] = types(events, "task.finished");
        assert.equal(started.subagentType, "general-purpose");
        assert.deepEqual([finished.taskId, finished.state], [started.taskId, "completed"]);
        assert.ok(types(events, "message.created").some((e) => e.message.parentToolUseId === started.toolUseId));
        assert.equal(end.result.text, "All done.");
    });

    await world.test("a command in the background: its turn ends, its end is told, and claude goes on by itself", async () => {
        const { session, cwd } = await world.createSession("background");
        const step = bash(`until [ -e ${cwd}/go ]; do sleep 0.05; done; echo over`);
        step.tool.input.run_in_background = true;
        const { reader, end } = await runTurn(client, session, script(step, "It runs."));
        assert.deepEqual([end.type, end.result.text], ["session.idle", "It runs."]);
        assert.equal(types(reader.events, "task.started").length, 1);
        assert.equal(types(reader.events, "task.finished").length, 0);
        writeFileSync(join(cwd, "go"), "");
        const finished = await reader.untilType("task.finished");
        assert.equal(finished.state, "completed");
        await reader.until((e) => e.type === "session.idle" && e.seq > finished.seq, "the end of the turn that nobody asked for");
        assert.equal(await stateOf(client, session), "idle");
        checkWhole(reader.events);
    });

    for (const [name, step, told] of [
        ["400, which nobody repeats", { error: { status: 400, message: "scripted 400" } }, /400/],
        ["an event stream that cannot be parsed", { text: "an answer that breaks in its middle", bad_sse: true, cut: true }, /./],
    ])
        await world.test(`the API fails: ${name}`, async () => {
            const { session } = await world.createSession(name.replaceAll(/[^a-z0-9]/g, "-"));
            const { reader } = await runTurn(client, session, script(step));
            const idle = await reader.untilType("session.idle");
            assert.deepEqual([idle.result.isError, idle.result.subtype], [true, "error"]);
            const errors = types(reader.events, "session.error");
            assert.equal(errors.length, 1);
            assert.match(errors[0].error, told);
            assert.equal(await stateOf(client, session), "idle");
            const next = await client.call("send_and_wait", { session_id: session, text: script("Well again.") });
            assert.deepEqual([next.ok, next.text], [true, "Well again."]);
        });

    await world.test("the API is overloaded once: the turn goes on and nobody is told of an error", async () => {
        const { session } = await world.createSession("overloaded");
        const { reader, end } = await runTurn(client, session, script({ error: { status: 529, times: 1 }, text: "After all." }));
        assert.deepEqual([end.type, end.result.isError, end.result.text], ["session.idle", false, "After all."]);
        assert.equal(types(reader.events, "session.error").length, 0);
        assert.deepEqual(world.api.log.filter((r) => r.session === session).map((r) => r.outcome), ["error", "answered"]);
    });
});

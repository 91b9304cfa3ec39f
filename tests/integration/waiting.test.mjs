// send_and_wait and long polls: they end in time, tell what they wait for, and leaving them never ends the turn.

import assert from "node:assert/strict";
import { test } from "node:test";

import { script, startWorld, until } from "../support/harness.mjs";
import { within } from "../support/wait.mjs";
import { bash, ended, textsOf } from "../support/turns.mjs";

test("waiting", async (t) => {
    const world = await startWorld(t);
    const client = world.client();

    await world.test("a turn that takes longer: done is false, the rest is polled from the cursor", async () => {
        const { session } = await world.createSession("slow");
        const value = await client.call("send_and_wait", { session_id: session, text: script({ text: "late news from the model", hold: "slow" }), timeout_ms: 500 });
        assert.equal(value.done, false);
        assert.ok(value.cursor);
        world.api.releaseHold("slow");
        const reader = world.reader({ session, cursor: value.cursor });
        assert.equal((await reader.until(ended, "the end of the turn")).type, "session.idle");
    });

    await world.test("a permission request ends the wait", async () => {
        const { session } = await world.createSession("asks");
        const value = await client.call("send_and_wait", { session_id: session, text: script(bash("echo x > x.txt"), "Thanks.") });
        assert.equal(value.done, false);
        const [pending] = value.pending_permissions;
        assert.equal(pending.toolName, "Bash");
        await client.call("respond_permission", { session_id: session, request_id: pending.requestId, behavior: "allow" });
        const reader = world.reader({ session, cursor: value.cursor });
        await reader.until(ended, "the end of the turn");
    });

    await world.test("closing the response ends the waiting, not the turn", async () => {
        const { session } = await world.createSession("left");
        const leave = new AbortController();
        const waiting = client.call("send_and_wait", { session_id: session, text: script({ text: "still said to the end", hold: "left" }) }, { signal: leave.signal });
        await until(() => world.api.held.get("left") === 1, "the model to answer");
        leave.abort();
        await assert.rejects(waiting);
        world.api.releaseHold("left");
        const reader = world.reader({ session });
        await reader.until(ended, "the end of the turn");
        assert.ok(textsOf((await client.call("get_session", { session_id: session })).messages).includes("still said to the end"));
    });

    await world.test("the same text again, while claude has it to do, waits for it and sends nothing twice", async () => {
        const { session } = await world.createSession("again");
        const args = { session_id: session, text: script({ text: "said once", hold: "again" }) };
        const [first, second] = await Promise.all([1, 2].map(() => client.call("send_and_wait", { ...args, timeout_ms: 500 })));
        assert.equal(first.promptId, second.promptId);
        assert.deepEqual([first.attached, second.attached].sort(), [true, undefined]);
        const waiting = client.call("send_and_wait", args);
        world.api.releaseHold("again");
        const value = await waiting;
        assert.deepEqual([value.done, value.attached, value.promptId, value.text], [true, true, first.promptId, "said once"]);
        const { messages } = await client.call("get_session", { session_id: session });
        assert.equal(messages.filter((m) => m.role === "user").length, 1);
        assert.equal((await client.call("send_and_wait", args)).attached, undefined, "it is done, so it is sent again");
    });

    await world.test("a poll waits for the next event, and no longer than asked", async () => {
        const { session, cursor } = await world.createSession("polled");
        const reader = world.reader({ session, cursor });
        await reader.untilType("session.created");
        const empty = await reader.poll(0);
        assert.deepEqual(empty.filter((e) => e.type !== "session.updated"), []);
        const poll = within(reader.poll(20_000), "the poll", 25_000);
        await client.call("send_prompt", { session_id: session, text: script("Wake up.") });
        assert.ok((await poll).length > 0);
        await reader.until(ended, "the end of the turn");
    });

    await world.test("partial messages come as deltas for who asked for them", async () => {
        const { session, cursor } = await world.createSession("partial", { include_partial_messages: true });
        const text = "a text that is told while it is being written";
        await client.call("send_prompt", { session_id: session, text: script({ text, deltas: 9, hold: "partial" }) });
        const reader = world.reader({ session, cursor });
        await reader.untilType("message.part.delta");
        world.api.releaseHold("partial");
        await reader.until(ended, "the end of the turn");
        assert.ok(text.includes(reader.events.find((e) => e.type === "message.part.delta").delta));
        assert.ok(reader.events.some((e) => e.type === "message.part.completed" && e.part.text === text));
    });
});

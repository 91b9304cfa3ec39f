// What goes wrong between claude and the API is told as an error, never as a good end.

import assert from "node:assert/strict";
import { test } from "node:test";

import { script, startWorld, until } from "../support/harness.mjs";

test("errors of the model's API", async (t) => {
    const world = await startWorld(t);
    const client = world.client();
    const { session } = await world.createSession("errors");
    const ask = (...steps) => client.call("send_and_wait", { session_id: session, text: script(...steps), timeout_ms: 45_000 });

    for (const status of [401, 429, 529, 500])
        await world.test(`${status} for good`, async () => {
            const value = await ask({ error: { status, message: `scripted ${status}` } });
            assert.equal(value.done, true, JSON.stringify(value));
            assert.equal(value.is_error, true, JSON.stringify(value));
            assert.ok(value.error, "a sentence says what happened");
        });

    await world.test("429 once, then well", async () => {
        const value = await ask({ error: { status: 429, retry_after: 1, times: 1 }, text: "After the wait." });
        assert.equal(value.done, true);
        assert.notEqual(value.is_error, true, JSON.stringify(value));
        assert.equal(value.text, "After the wait.");
    });

    await world.test("one that is tried again is told meanwhile, apart from one that is slow", async () => {
        const activity = async () => (await client.call("get_session", { session_id: session, limit: 0 })).session.activity;
        assert.equal((await activity()).waitsFor, "nothing");
        const { cursor } = await client.call("send_prompt", { session_id: session, text: script({ error: { status: 529, retry_after: 3, times: 1 }, text: "In the end.", hold: "slow" }) });
        const now = await until(async () => {
            const shown = await activity();
            return shown.waitsFor === "retry" && shown;
        }, "the session to wait for a retry");
        assert.deepEqual([now.retry.attempt, now.retry.status], [1, 529]);
        const reader = world.reader({ session, cursor });
        assert.equal((await reader.untilType("session.retrying")).status, 529);
        await until(() => world.api.held.get("slow") === 1, "the model to answer slowly");
        world.api.releaseHold("slow");
        assert.equal((await reader.untilType("session.idle")).result.isError ?? false, false);
        assert.equal((await activity()).waitsFor, "nothing");
    });

    await world.test("a connection cut in mid-stream", async () => {
        const value = await ask({ text: "an answer that is cut in its middle", cut: true });
        assert.equal(value.done, true);
        assert.equal(value.is_error, true, JSON.stringify(value));
    });

    await world.test("the session goes on", async () => {
        const value = await ask("Well again.");
        assert.equal(value.text, "Well again.");
        assert.notEqual(value.is_error, true);
    });
});

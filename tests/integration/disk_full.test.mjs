// The disk of the agent's state (log and spool) is full for a while in the middle of a turn: nothing is lost, and
// get_health says it.

import assert from "node:assert/strict";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { script, startWorld, until } from "../support/harness.mjs";
import { checkWhole, ended, textsOf } from "../support/turns.mjs";

/** Writes until there is no room; returns the file. */
function fill(directory) {
    const file = join(directory, "ballast");
    const fd = openSync(file, "w");
    try {
        for (let size = 1 << 20; size >= 1; size >>= 1)
            try {
                for (;;) writeSync(fd, Buffer.alloc(size));
            } catch (error) {
                if (error.code !== "ENOSPC") throw error;
            }
    } finally {
        closeSync(fd);
    }
    return file;
}

test("a full disk in the middle of a turn", async (t) => {
    const world = await startWorld(t, { smallState: "48m" });
    const machine = world.machines[0];
    const client = world.client();
    const { session, cursor } = await world.createSession("full");
    await client.call("send_prompt", { session_id: session, text: script({ blocks: 400, deltas: 1, hold: "half", at: 0.2 }) });
    await until(() => world.api.held.get("half") === 1, "the model to stop in its turn");
    const reader = world.reader({ session, cursor });
    await reader.until(() => reader.durable.length >= 80, "the events before");

    // Through /proc: the small disk is mounted in the agent's own namespace.
    const ballast = fill(machine.stateThroughProc());
    world.api.releaseHold("half");
    const health = await until(async () => {
        const value = await client.call("get_health");
        return value.ok === false && value;
    }, "get_health to tell");
    assert.match(JSON.stringify(health.machines[0].troubles), /disk|space/i);
    assert.equal(reader.events.some(ended), false);

    rmSync(ballast);
    await reader.until(ended, "the end of the turn");
    checkWhole(reader.events);
    const { messages } = await client.call("get_session", { session_id: session, limit: 500 });
    assert.deepEqual(textsOf(messages).filter((b) => b.startsWith("block ")), Array.from({ length: 400 }, (_, i) => `block ${i}: the quick brown fox`));
    await until(async () => (await client.call("get_health")).ok, "get_health to be well again");
});

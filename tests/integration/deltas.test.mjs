// Text while it is being written: message.part.delta between polls, through the hub and on the machine, each once.

import assert from "node:assert/strict";
import { test } from "node:test";

import { EventReader, McpClient, script, startWorld } from "../support/harness.mjs";
import { ended } from "../support/turns.mjs";

/** What the deltas of a part say, in the order in which they came: each begins where the one before ended. */
function written(events, part) {
    let text = "";
    for (const event of events.filter((e) => e.type === "message.part.delta" && e.partId === part)) {
        assert.equal(event.offset, Buffer.byteLength(text), `a delta lost or doubled: ${JSON.stringify(event)} after ${JSON.stringify(text)}`);
        text += event.delta;
    }
    return text;
}

const partOf = (events) => events.find((e) => e.type === "message.part.delta" && e.partType === "text")?.partId;

test("deltas between polls", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const local = new McpClient(machine.localUrl);
    const { session, cursor, client } = await world.createSession("slow", { include_partial_messages: true });
    const { session: other } = await world.createSession("other");
    const text = Array.from({ length: 120 }, (_, i) => `word-${i}-ä `).join("");
    const pieces = 60;
    const size = Math.ceil(text.length / pieces);
    const until = (share) => text.slice(0, Math.ceil(Math.ceil(text.length / size) * share) * size);

    const sent = await client.call("send_prompt", { session_id: session, text: script({ text, deltas: pieces, delay_ms: 4, hold: "slow", at: 0.8 }) });
    const readers = [
        new EventReader(client, { session, cursor }),
        new EventReader(client, { session, cursor: sent.cursor }),
        new EventReader(local, { session, cursor: sent.cursor }),
        new EventReader(client, { session }),
    ];
    const expected = until(0.8);

    await world.test("each reader gets each, in many polls", async () => {
        // What happens elsewhere on the machine moves every cursor on.
        const noise = client.call("send_and_wait", { session_id: other, text: script("Noise.") });
        await Promise.all(readers.map((r) => r.until(() => partOf(r.events) && written(r.events, partOf(r.events)).length >= expected.length, "the deltas up to the hold")));
        await noise;
        for (const reader of readers) {
            assert.equal(written(reader.events, partOf(reader.events)), expected);
            assert.ok(reader.events.every((e) => e.type !== "message.part.delta" || e.ephemeral === true));
        }
        const polls = readers[1].events.filter((e) => e.type === "message.part.delta").length;
        assert.ok(polls > 10, `${polls} deltas`);
    });

    await world.test("nothing comes twice while nothing is written", async () => {
        for (const reader of readers.slice(0, 3)) assert.deepEqual(await reader.poll(0), []);
    });

    await world.test("a reader of all sessions gets none, and its cursor keeps the place of one that does", async () => {
        const all = await client.call("poll_events", { cursor: readers[0].cursor, timeout_ms: 0 });
        assert.deepEqual(all.events.filter((e) => e.type === "message.part.delta"), []);
        const on = await client.call("poll_events", { session_id: session, cursor: all.next_cursor, timeout_ms: 0 });
        assert.deepEqual(on.events, []);
    });

    await world.test("the whole part supersedes them", async () => {
        world.api.releaseHold("slow");
        for (const reader of readers) {
            const end = await reader.until(ended, "the end of the turn");
            assert.equal(end.type, "session.idle");
            const part = partOf(reader.events);
            assert.ok(text.startsWith(written(reader.events, part)));
            const completed = reader.events.filter((e) => e.type === "message.part.completed" && e.part.id === part);
            assert.deepEqual(completed.map((e) => e.part.text), [text]);
        }
        const late = await client.call("poll_events", { session_id: session, cursor, timeout_ms: 0 });
        assert.deepEqual(late.events.filter((e) => e.type === "message.part.delta"), [], "what is whole needs no deltas");
    });
});

test("a session that did not ask for deltas has none", async (t) => {
    const world = await startWorld(t);
    const { session, cursor, client } = await world.createSession("plain");
    await client.call("send_and_wait", { session_id: session, text: script({ text: "All at once.", deltas: 4 }) });
    const { events } = await client.call("poll_events", { session_id: session, cursor, timeout_ms: 0 });
    assert.ok(events.some((e) => e.type === "message.part.completed"));
    assert.ok(!events.some((e) => e.type === "message.part.delta"));
});

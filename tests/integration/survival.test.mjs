// kill -9 of hub, agent or both at seeded points of a long turn with two readers: the turn goes on, every event is seen
// exactly once by both, the pending permission request is answered afterwards.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { script, startWorld, until } from "../support/harness.mjs";
import { randomFrom } from "../support/random.mjs";
import { checkWhole, ended, textsOf } from "../support/turns.mjs";

const seed = Number(process.env.CODEZ_SEED ?? 20261121);

/** Polls in the background until the turn has ended, whatever is killed meanwhile. */
function follow(reader) {
    const done = (async () => {
        const end = Date.now() + 150_000;
        while (!reader.events.some(ended)) {
            if (Date.now() > end) throw new Error(`the reader never saw the end; last error: ${reader.lastError}`);
            await reader.poll(500);
            if (reader.lastError) await new Promise((resolve) => setImmediate(resolve));
        }
    })();
    done.catch(() => {});
    return done;
}

for (const [index, victim] of ["hub", "agent", "both"].entries())
    test(`kill -9 of ${victim === "both" ? "hub and agent" : `the ${victim}`} at five points of a turn`, async (t) => {
        t.diagnostic(`CODEZ_SEED=${seed}`);
        const random = randomFrom(seed + index);
        const world = await startWorld(t);
        const machine = world.machines[0];
        const { session, cwd, cursor } = await world.createSession("long");

        const strike = async () => {
            t.diagnostic(`strikes after ${readers.map((r) => r.durable.length).join(" and ")} events`);
            assert.ok(!readers.some((r) => r.events.some(ended)), "the turn is still going on");
            const killed = [];
            if (victim !== "agent") killed.push(world.hub.kill());
            if (victim !== "hub") killed.push(machine.kill());
            await Promise.all(killed);
            if (victim !== "agent") await world.hub.start();
            if (victim !== "hub") await machine.start();
            await world.online(machine);
        };

        // The command tells that it runs, and ends when it may.
        const command = `touch ${cwd}/started; until [ -e ${cwd}/go ]; do sleep 0.05; done; echo ran >> ${cwd}/ran.txt`;
        const text = script(
            { blocks: 170, deltas: 2, delay_ms: 2, hold: "in a delta", tool: { name: "Bash", input: { command, description: "waits for a file" } } },
            { blocks: 170, deltas: 2, delay_ms: 2, text: "The second half." },
        );
        await world.client().call("send_prompt", { session_id: session, text });
        const readers = [0, 1].map(() => world.reader({ session, cursor, tolerant: true }));
        const followed = readers.map(follow);
        const seenAtLeast = (n) => until(() => readers.some((r) => r.durable.length >= n), `${n} events`, { ms: 60_000 });
        const asked = () => readers[0].events.find((e) => e.type === "channel.permission_request");

        // 1: while the stream flows, so likely with half a line in the spool
        await seenAtLeast(5 + random(60));
        await strike();
        // 2: in a delta
        await until(() => world.api.held.get("in a delta") === 1, "the model to stop in a delta", { ms: 60_000 });
        await strike();
        world.api.releaseHold("in a delta");
        // 3: with a permission request pending
        await until(asked, "the permission request", { ms: 60_000 });
        await strike();
        await world.client().call("respond_permission", { session_id: session, request_id: asked().request.requestId, behavior: "allow" });
        // 4: in a tool
        await until(() => existsSync(join(cwd, "started")), "the command to run", { ms: 60_000 });
        await strike();
        const before = Math.max(...readers.map((r) => r.durable.length));
        writeFileSync(join(cwd, "go"), "");
        // 5: in the second half
        await seenAtLeast(before + 1 + random(100));
        await strike();

        await Promise.all(followed);
        const [first, second] = readers.map((r) => checkWhole(r.events));
        assert.ok(first.length >= 300, `${first.length} events`);
        assert.deepEqual(first, second, "both readers saw the same");
        assert.equal(first.filter(ended).length, 1);
        assert.equal(first.find(ended).type, "session.idle");
        assert.equal(first.filter((e) => e.type === "channel.permission_resolved").length, 1);
        assert.equal(readFileSync(join(cwd, "ran.txt"), "utf8"), "ran\n", "the command ran once");

        const { messages } = await world.client().call("get_session", { session_id: session });
        const blocks = textsOf(messages).filter((b) => b.startsWith("block "));
        const expected = Array.from({ length: 170 }, (_, i) => `block ${i}: the quick brown fox`);
        assert.deepEqual(blocks, [...expected, ...expected]);
    });

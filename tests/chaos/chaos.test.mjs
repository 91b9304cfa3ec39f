// kill -9 of agent, holders, claudes and hub at random under load: sessions that work and ask for permissions, three
// readers with their cursors. CODEZ_KILLS is how many (60), CODEZ_SEED sets what is killed when and what the sessions do.

import assert from "node:assert/strict";
import { test } from "node:test";

import { McpClient, processesOf, script, startWorld, until } from "../support/harness.mjs";
import { randomFrom } from "../support/random.mjs";
import { checkPrompts, checkReaders, checkTurns } from "./checks.mjs";
import { Followers } from "./followers.mjs";
import { Killer } from "./killer.mjs";
import { MachineLog } from "./machine-log.mjs";
import { Asked, Work } from "./work.mjs";

const seed = Number(process.env.CODEZ_SEED ?? 20261121);
const kills = Number(process.env.CODEZ_KILLS ?? 60);
const sessionCount = 4;

/** What the condition still finds must be gone soon. */
async function untilNone(find, what) {
    await until(() => find().length === 0, what).catch((error) => {
        throw new Error(`${error.message}: ${JSON.stringify(find().map((p) => `${p.pid} ${p.command.slice(0, 200)}`))}`);
    });
}

/** Works and kills until so many were killed and everything that was asked for has ended. */
async function rage({ world, sessions, work, killer, log, followers }) {
    const driving = Promise.all(sessions.map((s, i) => work.drive(s, i)));
    const watching = Promise.all([work.answer(followers.all[0]), ...followers.list.map((f) => f.done)]);
    await Promise.race([killer.run(kills), driving, watching]);
    work.stopping = true;
    await world.online(world.machines[0]);
    await Promise.race([driving, watching]); // each worker's last prompt is accepted
    await Promise.race([until(() => log.prompts().every((p) => p.outcome), "every prompt to end", { ms: 60_000, every: 100 }), watching]);
}

/** Nobody kills any more: each session takes one more prompt, and disposing of them leaves no process. */
async function settle({ world, sessions, work, killer, log, followers }) {
    const machine = world.machines[0];
    await untilNone(() => killer.survivors(), "what killed sessions had started to end");
    for (const [i, { session }] of sessions.entries()) {
        const mark = `chaos-${i}-0`;
        const args = { session_id: session, text: `[text] ${mark} ${script(`Answer ${mark}.`)}`, idempotency_key: mark, timeout_ms: 45_000 };
        const value = await work.insist("send_and_wait", args);
        assert.deepEqual([value.done, value.text], [true, `Answer ${mark}.`], JSON.stringify(value));
    }
    for (const { session } of sessions) await work.insist("dispose_session", { session_id: session });
    await untilNone(() => processesOf(machine.dir).filter((p) => p.pid !== machine.child.pid), "every holder, claude and tool to end");
    await followers.finish(log);
}

test(`${kills} times kill -9 of agent, holder, claude and hub`, { timeout: 240_000 + kills * 6000 }, async (t) => {
    const say = (text) => t.diagnostic(text);
    say(`CODEZ_SEED=${seed} CODEZ_KILLS=${kills}`);
    const world = await startWorld(t);
    const machine = world.machines[0];
    // It moves when its agent is started again.
    const local = { call: (...args) => new McpClient(machine.localUrl).call(...args) };
    const asked = new Asked();
    world.api.onAsked = (request) => asked.see(request);

    await world.test("chaos", async () => {
        const began = Date.now();
        const seconds = () => `${Math.round((Date.now() - began) / 1000)} s`;
        const sessions = [];
        for (let i = 0; i < sessionCount; i++) sessions.push({ name: `s${i}`, ...(await world.createSession(`s${i}`)) });
        const log = new MachineLog(machine);
        const followers = new Followers(world.client(), local, sessions);
        const work = new Work([world.client(), local], log, randomFrom(seed + 1));
        const killer = new Killer(world, log, randomFrom(seed));
        const all = { world, sessions, work, killer, log, followers };
        try {
            await rage(all);
            say(`killed ${JSON.stringify(killer.counts)} in ${seconds()}`);
            await settle(all);
            const events = checkReaders(followers, log);
            const prompts = checkPrompts(log, asked, sessions);
            checkTurns(log);
            say(`${events} events, ${followers.list.length} cursors, prompts ${JSON.stringify(prompts)}, ${seconds()}`);
            for (const [victim, count] of Object.entries(killer.counts)) assert.ok(count >= Math.floor(kills / 4), `${victim} was killed ${count} times`);
        } catch (error) {
            console.error(`CODEZ_SEED=${seed}, after ${JSON.stringify(killer.counts)} in ${seconds()}:`, error); // at once, whatever the end of the world takes
            throw error;
        } finally {
            await killer.stop();
            work.give_up();
            followers.stop();
            log.close();
        }
    });
});

// kill -9 of agent, hub, holders and claudes in random order, each after some more events, also while others are being
// started.

import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

import { alive, claudeProgram, kill, processesOf } from "../support/harness.mjs";
import { shuffled } from "../support/random.mjs";

export const victims = ["agent", "holder", "claude", "hub"];

const startOf = (pid) => {
    try {
        return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1].split(" ")[19];
    } catch {
        return undefined; // it has ended
    }
};

export class Killer {
    counts = Object.fromEntries(victims.map((v) => [v, 0]));
    doomed = []; // what ran in a session whose claude or holder was killed: {pid, start, command}
    starting = new Set();
    stopping = false;

    constructor(world, log, random) {
        this.world = world;
        this.log = log;
        this.machine = world.machines[0];
        this.random = random;
    }

    /** So many kills, the same number of each kind. */
    async run(kills) {
        const deck = shuffled(Array.from({ length: kills }, (_, i) => victims[i % victims.length]), this.random);
        const end = Date.now() + 60_000 + kills * 5000;
        while (deck.length > 0 && !this.stopping) {
            if (Date.now() > end) throw new Error(`nothing to kill any more: ${deck.length} to go, ${JSON.stringify(this.counts)}`);
            await this.someWork();
            const at = deck.findIndex((victim) => this.strike(victim));
            if (at >= 0) deck.splice(at, 1);
        }
        await Promise.all(this.starting);
    }

    // Between two kills the sessions get on, else nothing is under way that could be lost; not if what was killed before
    // keeps all of them from it.
    async someWork() {
        const wanted = this.log.lastSeq() + 1 + this.random(20);
        const end = Date.now() + 2500;
        await pause(this.random(300));
        while (this.log.lastSeq() < wanted && Date.now() < end && !this.stopping) await pause(20);
    }

    /** Kills nobody any more; what is being started is up. */
    async stop() {
        this.stopping = true;
        await Promise.allSettled(this.starting);
    }

    /** Whether there was one to kill. */
    strike(victim) {
        const done = victim === "agent" ? this.restart(this.machine) : victim === "hub" ? this.restart(this.world.hub) : this.killOf(victim);
        if (done) this.counts[victim]++;
        return done;
    }

    restart(program) {
        if (!program.child.running || program.restarting) return false;
        program.restarting = true;
        const again = (async () => {
            await program.kill();
            await pause(this.random(400));
            await program.start();
            program.restarting = false;
            this.starting.delete(again);
        })();
        again.catch(() => {}); // run() tells
        this.starting.add(again);
        return true;
    }

    killOf(victim) {
        const all = processesOf(this.machine.dir);
        const claudes = all.filter((p) => p.command.startsWith(claudeProgram) && all.some((h) => h.pid === p.ppid && h.command === "codez hold"));
        if (claudes.length === 0) return false;
        const claude = claudes[this.random(claudes.length)];
        const session = /CODEZ_SESSION_ID=([0-9a-f-]+)/.exec(claude.environ)[1];
        for (const p of all.filter((p) => p.environ.includes(`CODEZ_SESSION_ID=${session}`))) this.doomed.push({ pid: p.pid, start: startOf(p.pid), command: p.command.slice(0, 200) });
        kill(victim === "claude" ? claude.pid : claude.ppid);
        return true;
    }

    /** Of what ran in killed sessions, what still does. */
    survivors() {
        return this.doomed.filter((p) => p.start !== undefined && alive(p.pid) && startOf(p.pid) === p.start);
    }
}

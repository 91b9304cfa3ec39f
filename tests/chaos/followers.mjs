// Readers that poll for ever with their cursors, whatever is killed, and keep what they saw.

import { setTimeout as pause } from "node:timers/promises";

import { EventReader, until } from "../support/harness.mjs";

class Follower {
    constructor(name, client, options) {
        this.name = name;
        this.reader = new EventReader(client, { ...options, tolerant: true });
        this.stopping = false;
        this.done = this.run();
        this.done.catch(() => {});
    }

    async run() {
        while (!this.stopping) {
            this.reader.lastError = undefined;
            await this.reader.poll(1000);
            if (this.reader.lastError) await pause(50);
        }
    }

    get events() {
        return this.reader.durable;
    }

    get last() {
        return this.events.at(-1)?.seq ?? 0;
    }
}

/** Three readers: of everything through the hub, of everything at the machine, of each session through the hub. */
export class Followers {
    constructor(hub, local, sessions) {
        const [{ cursor }] = sessions; // before the first event
        this.all = [new Follower("through the hub", hub, { cursor }), new Follower("at the machine", local, { cursor })];
        this.each = sessions.map((s) => new Follower(`of ${s.name}`, hub, { session: s.session, cursor: s.cursor }));
    }

    get list() {
        return [...this.all, ...this.each];
    }

    /** Ends them once they have all seen what the log has; fails if one cannot. */
    async finish(log) {
        const behind = () => this.list.filter((f) => f.last < log.lastSeq(f.reader.session));
        await until(() => behind().length === 0, "all readers to have read to the end", { ms: 60_000, every: 100 }).catch((error) => {
            error.message += `: ${behind().map((f) => `${f.name} is at ${f.last} of ${log.lastSeq(f.reader.session)}, ${f.reader.lastError?.message}`).join("; ")}`;
            throw error;
        });
        this.stop();
        await Promise.all(this.list.map((f) => f.done));
    }

    stop() {
        for (const f of this.list) f.stopping = true;
    }
}

// The load: each session is given prompts one after the other, of random kinds, by somebody who repeats a call with its
// key until it is answered; a person answers the permission requests.

import { setTimeout as pause } from "node:timers/promises";

import { script } from "../support/harness.mjs";
import { bash } from "../support/turns.mjs";

export const settled = new Set(["completed", "cancelled", "unknown", "rejected"]);

// What a kill does to a call. Whoever repeats it with the same key loses and doubles nothing.
const passing = new Set(["machine_offline", "unknown_outcome", "route_unavailable", "timeout", "session_busy", "internal", "cancelled"]);

const patience = 90_000; // of everybody, for one thing that has to happen

const isLost = (error) => (error.envelope ? passing.has(error.code) : error instanceof TypeError || error.status >= 500 || error.cause !== undefined || error.name === "SyntaxError");

// Each leaves its mark in ran.txt as often as it ran. The loop outlives the command: it must end with its claude.
const kinds = {
    text: (mark, random) => script({ blocks: 2 + random(20), deltas: 2, delay_ms: random(8), text: `Answer ${mark}.` }),
    tool: (mark, random) => script({ ...bash(`echo ${mark} >> ran.txt; for i in $(seq ${random(40)}); do sleep 0.02; done`), delay_ms: random(20) }, `Answer ${mark}.`),
    denied: (mark) => script(bash(`echo ${mark} >> ran.txt; echo denied`), `Answer ${mark}.`),
    loop: (mark) => script(bash(`echo ${mark} >> ran.txt; (setsid sh -c 'for i in $(seq 200); do sleep 0.3; done; # ${mark}' >/dev/null 2>&1 &)`), `Answer ${mark}.`),
    tools: (mark) => script(bash(`echo ${mark} >> ran.txt`), bash(`echo ${mark}-again >> ran.txt`), `Answer ${mark}.`),
    aborted: (mark, random) => script({ blocks: 40, delay_ms: 5 + random(10), text: `Answer ${mark}.` }),
};

const marks = (text) => text.match(/(?<=\[\w+\] )chaos-\d+-\d+/g) ?? [];
export const markOf = (text) => marks(text).at(-1);
export const kindOf = (text) => /^\[(\w+)\]/.exec(text)?.[1];

/** How often the prompts were put to the model. */
export class Asked {
    times = new Map();
    merged = new Set(); // Claude makes one turn of prompts that waited; the model answers the last one's script

    see({ prompt, step }) {
        if (step !== 0) return;
        const all = marks(prompt);
        const last = all.pop();
        if (!last) return;
        this.times.set(last, this.of(last) + 1);
        for (const mark of all.filter((m) => this.of(m) === 0)) {
            this.times.set(mark, 1);
            this.merged.add(mark);
        }
    }

    of(mark) {
        return this.times.get(mark) ?? 0;
    }
}

export class Work {
    stopping = false; // no further prompt
    answering = true;
    given_up = false;

    /** The sessions' callers are the clients in turn; the first also answers what is asked. */
    constructor(clients, log, random) {
        this.clients = clients;
        this.log = log;
        this.random = random;
    }

    /** Nobody waits for anything any more. */
    give_up() {
        this.stopping = this.given_up = true;
        this.answering = false;
    }

    // Fails once the test has.
    async moment(what, end, cause) {
        if (this.given_up) throw new Error("given up");
        if (Date.now() > end) throw new Error(`in vain: ${what}`, { cause });
        await pause(50);
    }

    /** The call's answer, however often it takes. `over` are codes that end it without one. */
    async insist(tool, args, { over = [], client = this.clients[0] } = {}) {
        for (const end = Date.now() + patience; ; ) {
            try {
                return await client.call(tool, args);
            } catch (error) {
                if (over.includes(error.code)) return null;
                if (!isLost(error)) throw error;
                await this.moment(`${tool} ${args.idempotency_key}`, end, error);
            }
        }
    }

    /** Gives the session prompts until it is told to stop. */
    async drive(session, index) {
        const names = Object.keys(kinds);
        const client = this.clients[index % this.clients.length];
        for (let n = 1; !this.stopping; n++) {
            const mark = `chaos-${index}-${n}`;
            const kind = names[this.random(names.length)];
            const args = { session_id: session.session, text: `[${kind}] ${mark} ${kinds[kind](mark, this.random)}`, idempotency_key: mark };
            if (kind !== "aborted" && this.random(3) === 0) {
                await this.waitFor(args, client);
                continue;
            }
            const { promptId } = await this.insist("send_prompt", args, { client });
            if (kind === "aborted") {
                await pause(this.random(400));
                await this.insist("abort_session", { session_id: session.session }, { client });
            }
            if (this.random(3) > 0) await this.settled(promptId); // else the next one queues behind it
        }
    }

    async settled(promptId) {
        for (const end = Date.now() + patience; !settled.has(this.log.stateOf(promptId)); ) await this.moment(`the end of prompt ${promptId}, ${this.log.stateOf(promptId)}`, end);
    }

    // The same call with the same key waits on.
    async waitFor(args, client) {
        for (const end = Date.now() + patience; ; ) {
            const { done } = await this.insist("send_and_wait", { ...args, timeout_ms: 5000 }, { client });
            if (done) return;
            await this.moment(`the end of ${args.idempotency_key}`, end);
        }
    }

    /** Answers what a follower sees asked, once each. */
    async answer(follower) {
        for (let looked = 0; this.answering; await pause(20)) {
            const events = follower.events;
            for (; looked < events.length; looked++) {
                const { type, request, sessionId } = events[looked];
                if (type !== "channel.permission_request") continue;
                const behavior = JSON.stringify(request.input).includes("; echo denied") ? "deny" : "allow";
                const args = { session_id: sessionId, request_id: request.requestId, behavior, idempotency_key: `answer-${request.requestId}` };
                // Withdrawn or answered meanwhile.
                await this.insist("respond_permission", args, { over: ["not_found", "invalid_argument"] });
            }
        }
    }
}

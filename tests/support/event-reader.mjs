// One reader of a machine's events: polls with its own cursor and keeps what it saw.

import { ToolError } from "./mcp-client.mjs";

// What ends while a hub or an agent is away; the reader goes on from its cursor.
const passing = (error) =>
    error instanceof ToolError ? ["machine_offline", "route_unavailable", "timeout", "cancelled", "internal"].includes(error.code) : error instanceof TypeError || error.status >= 500 || error.cause !== undefined || error.name === "SyntaxError";

export class EventReader {
    events = [];

    /** `session` may be undefined for all sessions; `cursor` as create_session gave it, or none. */
    constructor(client, { session, cursor, tolerant = false } = {}) {
        this.client = client;
        this.session = session;
        this.cursor = cursor;
        this.tolerant = tolerant;
    }

    async poll(timeout_ms = 1000) {
        const args = { timeout_ms, ...(this.session ? { session_id: this.session } : {}), ...(this.cursor ? { cursor: this.cursor } : {}) };
        let page;
        try {
            page = await this.client.call("poll_events", args);
        } catch (error) {
            if (this.tolerant && passing(error)) {
                this.lastError = error;
                return [];
            }
            throw error;
        }
        this.cursor = page.next_cursor;
        this.events.push(...page.events);
        return page.events;
    }

    /** Polls until an event (seen already or new) satisfies `wanted` (each is asked once), and returns it. */
    async until(wanted, what, ms = 60_000) {
        const end = Date.now() + ms;
        let looked = 0;
        for (;;) {
            for (; looked < this.events.length; looked++) if (await wanted(this.events[looked])) return this.events[looked];
            if (Date.now() > end) {
                const seen = this.events.map((e) => e.type).join(" ").slice(-2000);
                throw new Error(`no event in ${ms} ms: ${what}. Seen: ${seen}`, { cause: this.lastError });
            }
            await this.poll();
        }
    }

    untilType(type, ms) {
        return this.until((e) => e.type === type, type, ms);
    }

    /** The events that stay: deltas are superseded by the parts they build. */
    get durable() {
        return this.events.filter((e) => e.type !== "message.part.delta");
    }
}

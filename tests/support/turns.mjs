// What the tests do with a session again and again.

import assert from "node:assert/strict";

import { EventReader } from "./event-reader.mjs";

/** A step whose model asks to run a command. */
export const bash = (command, more = {}) => ({ text: "I will run it.", tool: { name: "Bash", input: { command, description: "a test's command" } }, ...more });

export const ended = (event) => event.type === "session.idle" || event.type === "session.error";

/** Sends a prompt and answers every permission request, until the turn is over: {sent, reader, events, end}. */
export async function runTurn(client, session, text, { behavior = "allow", ms } = {}) {
    const sent = await client.call("send_prompt", { session_id: session, text });
    const reader = new EventReader(client, { session, cursor: sent.cursor });
    let answered = 0;
    const end = await reader.until(async (event) => {
        if (event.type === "channel.permission_request") {
            await client.call("respond_permission", { session_id: session, request_id: event.request.requestId, behavior });
            answered++;
        }
        return ended(event);
    }, "the end of the turn", ms);
    return { sent, reader, events: reader.events, end, answered };
}

export const partsOf = (messages) => messages.flatMap((m) => m.parts ?? []);
export const textsOf = (messages) => partsOf(messages).filter((p) => p.type === "text").map((p) => p.text);

/**
 * The events of a turn from start to end: in order, each once, every part that was begun completed, one end, and nothing
 * of them on the far side of it.
 */
export function checkWhole(events) {
    const durable = events.filter((e) => e.type !== "message.part.delta");
    for (let i = 1; i < durable.length; i++) {
        assert.ok(durable[i].seq > durable[i - 1].seq, `seq ${durable[i].seq} after ${durable[i - 1].seq}: an event twice or out of order`);
        if (durable[i].ordinal !== undefined) assert.equal(durable[i].ordinal, durable[i - 1].ordinal + 1, `a hole before event ${JSON.stringify(durable[i]).slice(0, 300)}`);
    }
    return durable;
}

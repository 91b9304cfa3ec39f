// A hub that is told to stop, while clients wait: they get an answer at once, the machine is back as soon as the hub is,
// and the turn that went on meanwhile is read from where they were.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { test } from "node:test";

import { kill, script, startWorld, until, watched } from "../support/harness.mjs";
import { ended } from "../support/turns.mjs";

/** A session whose model has stopped in the middle of its answer, with a client that waits for it. */
async function waiting(world, name) {
    const { session, cursor } = await world.createSession(name);
    const text = script({ text: "at last", hold: name });
    const turn = world.client().call("send_and_wait", { session_id: session, text, timeout_ms: 45_000 });
    turn.catch(() => {});
    await until(() => world.api.held.get(name) === 1, "the model to answer");
    const reader = world.reader({ session, cursor });
    await reader.untilType("message.created");
    return { session, turn, reader };
}

/** One call on a connection of its own: {sent, answer}. */
function callAlone(world, name, args) {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: args } });
    const headers = { "content-type": "application/json", accept: "application/json, text/event-stream", authorization: `Bearer ${world.hub.credentials.api_key}` };
    const request = http.request(world.hub.mcpUrl, { method: "POST", headers, agent: false });
    const answer = once(request, "response").then(async ([response]) => {
        let text = "";
        for await (const piece of response.setEncoding("utf8")) text += piece;
        watched.whole("POST", headers, body, Object.entries(response.headers), text, response.statusCode);
        return JSON.parse(text).result.structuredContent;
    });
    answer.catch(() => {});
    return { answer, sent: new Promise((resolve) => request.end(body, resolve)) };
}

/** A poll that finds nothing, and so waits. */
async function waitingPoll(world, args) {
    const client = world.client();
    // What is there already is read first.
    let page = await client.call("poll_events", { ...args, timeout_ms: 0 });
    while (page.events.length > 0) page = await client.call("poll_events", { ...args, cursor: page.next_cursor, timeout_ms: 0 });
    const { answer, sent } = callAlone(world, "poll_events", { ...args, cursor: page.next_cursor, timeout_ms: 30_000 });
    await sent;
    for (let i = 0; i < 3; i++) await client.call("list_machines"); // then the hub has read what was sent before
    return { poll: answer, cursor: page.next_cursor };
}

test("SIGTERM while clients wait", async (t) => {
    const world = await startWorld(t);
    const [machine] = world.machines;

    await world.test("all of them are answered, and go on at the hub that comes", async () => {
        const { session, turn, reader } = await waiting(world, "patient");
        const ofSession = await waitingPoll(world, { session_id: session });
        const ofAll = await waitingPoll(world, {});
        const [code] = await world.hub.child.end("SIGTERM", 8_000);
        assert.equal(code, 0, world.hub.child.output());

        const answer = await turn;
        assert.equal(answer.done, false, JSON.stringify(answer));
        assert.ok(answer.cursor);
        for (const { poll, cursor } of [ofSession, ofAll]) {
            const page = await poll;
            assert.deepEqual(page.events, []);
            assert.equal(page.next_cursor, cursor);
        }

        await world.hub.start();
        await world.online(machine);
        world.api.releaseHold("patient");
        const end = await reader.until(ended, "the end of the turn");
        assert.equal(end.type, "session.idle");
    });

    await world.test("new requests find no hub rather than one that hangs", async () => {
        const [code] = await world.hub.child.end();
        assert.equal(code, 0);
        await assert.rejects(world.client().call("list_machines"), (error) => /fetch failed|ECONNREFUSED|ECONNRESET/.test(String(error.cause ?? error)));
        await world.hub.start();
        await world.online(machine);
    });

    await world.test("a second signal ends it at once", async () => {
        const { turn, session } = await waiting(world, "cut");
        const { poll } = await waitingPoll(world, { session_id: session });
        // The agent stands still, so it cannot end what waits.
        kill(machine.child.pid, "SIGSTOP");
        try {
            const stops = () => world.hub.child.output().split("codez-hub stops").length;
            const before = stops();
            kill(world.hub.child.pid, "SIGTERM");
            await until(() => stops() > before, "the hub to stop"); // two signals at once would be one
            const [code] = await world.hub.child.end("SIGTERM", 8_000);
            assert.equal(code, 0, world.hub.child.output());
        } finally {
            kill(machine.child.pid, "SIGCONT");
        }
        await Promise.allSettled([turn, poll]);
        await assert.rejects(turn);
        world.api.releaseHold("cut");
        await world.hub.start();
        await world.online(machine);
    });
});

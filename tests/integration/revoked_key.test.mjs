// A key that is revoked while it is in use: what it has open ends by itself, what others have open stays.

import assert from "node:assert/strict";
import { test } from "node:test";

import { script, startWorld, until } from "../support/harness.mjs";

/** One response that stays open: {ended, isOpen}; `ended` is a promise of its text. Resolves when its head has come. */
async function open(url, init) {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(120_000) });
    assert.equal(response.status, 200);
    const state = { ended: response.text(), isOpen: true };
    state.ended.catch(() => {}).finally(() => (state.isOpen = false));
    return state;
}

/** The stream for notifications of a session, and a call that waits for its turn. */
async function openAll(world, key, name) {
    const client = world.client(key);
    const { session } = await world.createSession(name, {}, { client });
    const headers = { ...client.headers, "content-type": "application/json", accept: "application/json, text/event-stream" };
    const body = (method, params) => JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });

    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } };
    const begun = await client.post(body("initialize", params));
    const legacy = { ...headers, "mcp-session-id": begun.headers.get("mcp-session-id"), "mcp-protocol-version": "2025-11-25" };
    const get = await open(client.url, { headers: { ...legacy, accept: "text/event-stream" } });
    const wait = { session_id: session, text: script({ text: "never said", hold: name, deltas: 2 }), timeout_ms: 90_000 };
    const call = await open(client.url, { method: "POST", headers: legacy, body: body("tools/call", { name: "send_and_wait", arguments: wait, _meta: { progressToken: 1 } }) });
    await until(() => world.api.held.get(name) === 1, "the turn to begin");
    return { get, call };
}

test("a key is revoked", async (t) => {
    const world = await startWorld(t);
    const lost = await world.hub.admin("api-key", "--name", "lost");
    await world.test("what it has open ends, and it opens nothing more", async () => {
        const theirs = await openAll(world, lost.api_key, "theirs");
        const mine = await openAll(world, world.hub.credentials.api_key, "mine");
        await world.hub.admin("revoke", lost.id);
        await until(() => Object.values(theirs).every((one) => !one.isOpen), "all streams of the revoked key to end");
        assert.match(await theirs.call.ended, /"code":"cancelled"/);
        await theirs.get.ended;
        assert.equal((await world.client(lost.api_key).post({ jsonrpc: "2.0", id: 1, method: "tools/list" })).status, 401);

        for (const [name, one] of Object.entries(mine)) assert.equal(one.isOpen, true, `${name} of another key`);
        for (const name of ["theirs", "mine"]) world.api.releaseHold(name);
        assert.match(await mine.call.ended, /never said/, "the turn of another key goes on");
    });
});

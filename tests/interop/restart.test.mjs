// The hub is restarted under connected clients of each kind. The next call of each works, and nobody does anything for
// it; what a client cannot keep is asserted too, and told in docs/clients.md.

import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { claudeVariables } from "../support/claude-env.mjs";
import { cleanEnv, run, script, startWorld, until, watched } from "../support/harness.mjs";
import { textsOf } from "../support/turns.mjs";
import { ClaudeSession } from "./claude_session.mjs";
import { connectV1, connectV2, eras } from "./sdks.mjs";

/** curl with the session that the hub gave it, or without: each call a program run. */
async function curl(world, withSession) {
    const post = async (message, ...headers) => {
        const body = JSON.stringify({ jsonrpc: "2.0", ...message });
        const all = ["Content-Type: application/json", `Authorization: Bearer ${world.hub.credentials.api_key}`, ...headers];
        const argv = ["curl", "-sS", "-i", "--max-time", "60", ...all.flatMap((h) => ["-H", h]), "--data-binary", "@-", world.hub.mcpUrl];
        const { code, stdout, stderr } = await run(argv, { env: cleanEnv(world.home), input: body });
        if (code !== 0) throw new Error(stderr);
        const at = stdout.indexOf("\r\n\r\n");
        const head = stdout.slice(0, at);
        const split = (line) => line.split(/: (.*)/s).slice(0, 2);
        watched.whole("POST", all.map(split), body, head.split("\r\n").slice(1).map(split), stdout.slice(at + 4), Number(head.split(" ")[1]));
        return { head, body: stdout.slice(at + 4) };
    };
    const headers = [];
    if (withSession) {
        const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "curl", version: "1" } };
        const { head } = await post({ id: 1, method: "initialize", params });
        headers.push(/^mcp-session-id: .*$/im.exec(head)[0], "MCP-Protocol-Version: 2025-11-25");
        await post({ method: "notifications/initialized" }, ...headers);
    }
    const call = async (name, args) => {
        const { head, body } = await post({ id: 2, method: "tools/call", params: { name, arguments: args } }, ...headers);
        assert.match(head, /^HTTP\/1.1 200 /, head + body);
        const { result } = JSON.parse(body);
        assert.notEqual(result.isError, true, body);
        return result.structuredContent;
    };
    return { call, close() {} };
}

const withStream = ["SDK v1", "SDK v2 legacy"];

/** A client of each kind, connected, with a session of its own that it has talked to. */
async function everyClient(world, t) {
    const { mcpUrl: url, credentials } = world.hub;
    const claude = () => {
        const home = mkdtempSync(join(world.dir, "claude-client-"));
        return new ClaudeSession(url, credentials.api_key, { env: cleanEnv(home, claudeVariables(world.api.url)), cwd: home, log: join(home, "claude.log") });
    };
    const connect = {
        "SDK v1": () => connectV1(url, credentials.api_key),
        ...Object.fromEntries(eras.map(({ name, mode }) => [`SDK v2 ${name}`, () => connectV2(url, credentials.api_key, mode)])),
        "claude CLI": claude,
        "curl with a session": () => curl(world, true),
        "curl without a session": () => curl(world, false),
    };
    const clients = Object.entries(connect).map(async ([name, make]) => {
        const client = await make();
        t.after(() => client.close());
        client.troubles = [];
        client.onerror = (error) => client.troubles.push(error.message);
        const { sessionId: session_id } = await client.call("create_session", { cwd: world.machines[0].project(name.replaceAll(" ", "-")) });
        await client.call("send_and_wait", { session_id, text: script(`Hello ${name}.`) });
        return { name, client, session_id };
    });
    return Promise.all(clients);
}

async function restart(world) {
    await world.hub.start();
    await world.online(world.machines[0]);
}

/** The first call of each client, made once: it works and reaches the session. */
async function nextCallsWork(clients) {
    for (const { name, client, session_id } of clients) {
        const { messages } = await client.call("get_session", { session_id }).catch((error) => assert.fail(`${name}: ${error.stack}`));
        assert.ok(textsOf(messages).includes(`Hello ${name}.`), JSON.stringify(messages));
    }
}

test("the hub killed and restarted under connected clients", async (t) => {
    const world = await startWorld(t);
    await world.test("the next call of each works", async (t) => {
        const clients = await everyClient(world, t);
        await world.hub.kill();
        await restart(world);
        await nextCallsWork(clients);
    });
});

test("the hub killed with calls under way, and away until its clients have given up", async (t) => {
    const world = await startWorld(t);
    await world.test("the next call of each works", async (t) => {
        const clients = await everyClient(world, t);
        const lost = clients.map(({ client, session_id, name }) => {
            const text = script({ text: `A long answer for ${name}.`, hold: "restart", deltas: 4 });
            return assert.rejects(client.call("send_and_wait", { session_id, text, timeout_ms: 30_000 }), undefined, name);
        });
        await until(() => world.api.held.get("restart") === clients.length, "a turn for each client");
        await world.hub.kill();

        // A call under way is lost in every client, at once: nobody waits for a hub that is dead.
        await Promise.all(lost);
        for (const { name, client, session_id } of clients) await assert.rejects(client.call("get_session", { session_id }), undefined, name);
        // The stream for notifications, which only the older revisions have: the SDKs try twice to open it again.
        for (const { name, client } of clients.filter((one) => withStream.includes(one.name)))
            await until(() => client.troubles.some((text) => /Maximum reconnection attempts/.test(text)), `${name} to give its stream up`);

        await restart(world);
        await nextCallsWork(clients);

        // Of the turns nothing is lost, only the answers to those calls.
        world.api.releaseHold("restart");
        for (const { name, client, session_id } of clients)
            await until(async () => textsOf((await client.call("get_session", { session_id })).messages).includes(`A long answer for ${name}.`), `the turn of ${name}`);
    });
});

test("the hub killed under calls whose answers are streams already", async (t) => {
    const world = await startWorld(t);
    await world.test("older revisions are told so, 2026-07-28 waits for its time limit; the next call works", async (t) => {
        const clients = (await everyClient(world, t)).filter(({ name }) => name.startsWith("SDK"));
        const streaming = new Set(); // a report of progress makes the answer a stream
        const lost = clients.map(async ({ client, session_id, name }) => {
            const params = { name: "send_and_wait", arguments: { session_id, text: script({ text: "A long answer.", hold: name, deltas: 4 }) } };
            const options = { onprogress: () => streaming.add(name), timeout: withStream.includes(name) ? 60_000 : 12_000 };
            return (name === "SDK v1" ? client.callTool(params, undefined, options) : client.callTool(params, options)).then(() => assert.fail(name), (error) => error.message);
        });
        await until(() => streaming.size === clients.length, "progress of each call");
        await world.hub.kill();
        await restart(world);
        await nextCallsWork(clients);
        for (const [i, { name }] of clients.entries()) assert.match(await lost[i], withStream.includes(name) ? /may have taken effect/ : /timed out/, name);
        for (const { name } of clients) world.api.releaseHold(name);
    });
});

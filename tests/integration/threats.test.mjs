// What somebody with a credential, a browser of another, or a place on the way tries, and that nothing comes of it. What has
// a test of its own elsewhere is in the table of docs/threats.md.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { test } from "node:test";

import { McpClient, script, startWorld } from "../support/harness.mjs";
import { OAuthClient } from "../support/oauth-client.mjs";
import { Person } from "../support/person.mjs";

// Hears all that the hub says on each connection: {asked, said}.
async function startWiretap(t, port) {
    const connections = [];
    const server = createServer((socket) => {
        const onward = connect(port(), "127.0.0.1");
        const one = { asked: [], said: [] };
        connections.push(one);
        socket.on("data", (piece) => one.asked.push(piece));
        onward.on("data", (piece) => one.said.push(piece));
        socket.pipe(onward).pipe(socket);
        for (const [end, other] of [[socket, onward], [onward, socket]]) end.on("error", () => other.destroy()).on("close", () => other.destroy());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const whole = (pieces) => Buffer.concat(pieces).toString("latin1");
    return { url: `http://127.0.0.1:${server.address().port}`, all: () => connections.map(({ asked, said }) => ({ asked: whole(asked), said: whole(said) })) };
}

const legacy = { "mcp-protocol-version": "2025-11-25" };
const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
const initialize = { jsonrpc: "2.0", id: 1, method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "a", version: "1" } } };

test("threats", async (t) => {
    let port;
    const wiretap = await startWiretap(t, () => port);
    const world = await startWorld(t, {
        hub: (of) => {
            setImmediate(function known() {
                port = of.hub?.port;
                if (!port) setImmediate(known);
            });
            return { publicUrl: wiretap.url };
        },
    });
    const { hub } = world;
    const ada = await Person.owner(hub);
    const app = await OAuthClient.registered(hub.url);
    const { access_token: token } = await app.tokens(ada);
    const mine = new McpClient(hub.mcpUrl, token);

    await world.test("DNS rebinding: pages of other sites and other names for the hub get nowhere", async () => {
        for (const url of [hub.mcpUrl, world.machines[0].localUrl]) {
            const client = new McpClient(url, url === hub.mcpUrl ? token : undefined);
            assert.equal((await client.post(list)).status, 200);
            assert.equal((await client.post(list, { headers: { origin: "http://evil.example" } })).status, 403, url);
            const raw = connect(new URL(url).port, "127.0.0.1");
            raw.write(`POST /mcp HTTP/1.1\r\nHost: evil.example:${new URL(url).port}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`);
            assert.match((await raw.toArray()).join(""), /^HTTP\/1.1 (403|421) /, url);
        }
    });

    await world.test("token passthrough: a machine never sees the token that a call came with", async () => {
        const { session } = await world.createSession("a", {}, { client: mine });
        await mine.call("send_and_wait", { session_id: session, text: script("Seen by the machine.") });
        const links = wiretap.all().filter((one) => one.asked.startsWith("GET /agent/v1/link"));
        const said = links.map((one) => one.said).join("");
        assert.match(said, /Seen by the machine/, "the tap hears calls");
        const secrets = [token, ...wiretap.all().flatMap(({ asked, said: answer }) => `${asked}${answer}`.match(/cz[a-z]_[\w-]{20,}/g) ?? [])];
        for (const secret of new Set(secrets)) assert.ok(!said.includes(secret.slice(4, 24)), "a credential on the link");
        assert.ok(!said.includes("Bearer"));
    });

    await world.test("hijacked handles: what was given to one client opens nothing for another of the same person", async () => {
        const other = new McpClient(hub.mcpUrl, (await (await OAuthClient.registered(hub.url, { client_name: "Other" })).tokens(ada)).access_token);
        const begun = await mine.post(initialize);
        const session = begun.headers.get("mcp-session-id");
        assert.ok(session);
        const ask = (client, id) => client.post(list, { headers: { ...legacy, "mcp-session-id": id } });
        assert.equal((await ask(mine, session)).status, 200);
        const [stolen, unknown] = [await ask(other, session), await ask(other, `${session.slice(0, -4)}AAAA`)];
        assert.deepEqual([stolen.status, stolen.text], [unknown.status, unknown.text], "as one that nobody has");
        assert.equal(stolen.status, 404);
        assert.equal((await fetch(hub.mcpUrl, { method: "DELETE", headers: { ...other.headers, ...legacy, "mcp-session-id": session } })).status, 404);
        assert.equal((await ask(mine, session)).status, 200, "and it is still mine");
    });

    await world.test("hijacked handles: ids and cursors of one workspace are unknown in another", async () => {
        const { session, cursor } = await world.createSession("b", {}, { client: mine });
        const elsewhere = await hub.admin("workspace", "--name", "elsewhere", "--owner", "eve");
        await world.addMachine("theirs", elsewhere);
        const stranger = world.client(elsewhere.api_key);
        const answerTo = (tool, args) => stranger.call(tool, args).catch(({ code, message }) => ({ code, message }));
        const unknown = "00000000-0000-4000-8000-000000000000";
        for (const tool of ["get_session", "poll_events", "abort_session", "dispose_session", "session_diff"]) {
            const [theirs, nobodys] = [await answerTo(tool, { session_id: session }), await answerTo(tool, { session_id: unknown })];
            assert.equal(theirs.code, "not_found", tool);
            assert.equal(theirs.message.replace(session, unknown), nobodys.message, tool);
        }
        assert.equal((await answerTo("poll_events", { cursor, timeout_ms: 0 })).code, "cursor_invalid");
        assert.deepEqual((await answerTo("poll_events", { timeout_ms: 0 })).events, [], "nor is anything of it in what they follow");
    });

    await world.test("poisoned caches: no answer to somebody known may be kept", async () => {
        const answers = [await mine.post(list), await fetch(`${hub.url}/userinfo`, { headers: mine.headers }), await ada.browser.request("/account")];
        for (const { headers, status } of answers) {
            assert.equal(status, 200);
            assert.match(headers.get("cache-control") ?? "", /no-store/);
        }
        assert.match((await fetch(`${hub.url}/.well-known/oauth-authorization-server`)).headers.get("cache-control"), /public/, "what is the same for all may");
    });
});

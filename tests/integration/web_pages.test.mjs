// What pages in a browser may do with both endpoints: the CORS protocol on the wire, byte by byte.

import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";

import { startWorld, watched } from "../support/harness.mjs";

const page = "https://app.example.com";

/** One request of exactly these bytes on a connection of its own: {status, fields: [[name, value]], body}. */
async function exchange(url, head, body = "") {
    const { hostname, port, pathname } = new URL(url);
    const socket = net.connect(port, hostname);
    let text = "";
    socket.setEncoding("latin1").on("data", (piece) => (text += piece));
    const [method, ...fields] = head;
    socket.write(`${method} ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n${fields.map((f) => `${f}\r\n`).join("")}\r\n${body}`);
    await once(socket, "close");
    const [top, ...rest] = text.split("\r\n\r\n");
    const [status, ...lines] = top.split("\r\n");
    const answer = { status: Number(status.split(" ")[1]), fields: lines.map((l) => l.split(/: (.*)/s).slice(0, 2)), body: rest.join("\r\n\r\n") };
    const chunked = answer.fields.some(([n]) => n === "Transfer-Encoding");
    if (method === "POST") watched.whole(method, fields.map((f) => f.split(": ")), body, answer.fields, chunked ? answer.body.replace(/^[0-9a-f]+\r\n|\r\n0\r\n\r\n$/g, "") : answer.body, answer.status);
    return answer;
}

const all = (answer, name) => answer.fields.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, value]) => value);

function assertReadable(answer, origin, what) {
    assert.deepEqual(all(answer, "Access-Control-Allow-Origin"), [origin], what);
    assert.deepEqual(all(answer, "Vary"), ["Origin"], what);
    assert.match(all(answer, "Access-Control-Expose-Headers")[0], /Mcp-Session-Id/, what);
    assert.deepEqual(all(answer, "Access-Control-Allow-Credentials"), [], what);
}

test("web pages", async (t) => {
    const allow = ["--allow-origin", `${page}/`];
    const world = await startWorld(t, { agentArgs: allow, hub: () => ({ serveArgs: allow }) });
    const local = world.machines[0].localUrl;
    const hub = world.hub.mcpUrl;
    const key = `Authorization: Bearer ${world.hub.credentials.api_key}`;
    const json = "Content-Type: application/json";
    const post = (url, fields, message) => {
        const body = typeof message === "string" ? message : JSON.stringify({ jsonrpc: "2.0", id: 1, ...message });
        return exchange(url, ["POST", ...fields, `Content-Length: ${body.length}`], body);
    };

    for (const [name, url] of [["hub", hub], ["agent", local]]) {
        await world.test(`${name}: a preflight needs no credential`, async () => {
            const answer = await exchange(url, ["OPTIONS", `Origin: ${page}`, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization,content-type,mcp-param-machine,x-evil"]);
            assert.equal(answer.status, 204);
            assertReadable(answer, page);
            assert.equal(all(answer, "Access-Control-Allow-Methods")[0], "GET, POST, DELETE, OPTIONS");
            const allowed = all(answer, "Access-Control-Allow-Headers")[0].toLowerCase().split(", ");
            for (const field of ["authorization", "x-codez-api-key", "content-type", "mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name", "last-event-id", "mcp-param-machine"])
                assert.ok(allowed.includes(field), field);
            assert.ok(!allowed.includes("x-evil"));
            assert.match(all(answer, "Access-Control-Max-Age")[0], /^\d+$/);
        });

        await world.test(`${name}: a preflight's body changes nothing`, async () => {
            const answer = await exchange(url, ["OPTIONS", `Origin: ${page}`, "Access-Control-Request-Method: POST", "Content-Length: 4"], "body");
            assert.equal(answer.status, 204);
            assert.equal(answer.body, "");
        });

        await world.test(`${name}: other pages get a 403 that they cannot read`, async () => {
            for (const origins of [["https://evil.example"], ["null"], [page, "https://evil.example"], [page, page], [`${page}.evil.example`], ["http://app.example.com"], [`${page}/x`], [""], ["*"]])
                for (const method of ["OPTIONS", "POST", "GET", "DELETE"]) {
                    const answer = await exchange(url, [method, ...origins.map((o) => `Origin: ${o}`), "Access-Control-Request-Method: POST", key]);
                    assert.equal(answer.status, 403, `${method} ${origins}`);
                    assert.deepEqual(answer.fields.filter(([n]) => /^access-control-/i.test(n)), [], `${method} ${origins}`);
                }
        });

        await world.test(`${name}: every answer can be read by an allowed page`, async () => {
            const asPage = [`Origin: ${page}`, "Sec-Fetch-Site: cross-site", key];
            const answers = {
                result: [200, await post(url, [...asPage, json], { method: "tools/list" })],
                initialize: [200, await post(url, [...asPage, json], { method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "page", version: "1" } } })],
                "error status": [400, await post(url, [...asPage, json], "no JSON")],
                "unsupported media type": [415, await post(url, [...asPage, "Content-Type: text/plain"], "{}")],
                "method not allowed": [405, await exchange(url, ["PATCH", ...asPage])],
                "too large": [413, await exchange(url, ["POST", ...asPage, json, "Content-Length: 9999999"])],
                "no such path": [404, await exchange(`${url}/nothing`, ["GET", ...asPage])],
            };
            for (const [what, [status, answer]] of Object.entries(answers)) {
                assert.equal(answer.status, status, `${what}: ${answer.body}`);
                assertReadable(answer, page, what);
            }
            const [session] = all(answers.initialize[1], "Mcp-Session-Id");
            assert.ok(session);
            const ended = await exchange(url, ["DELETE", ...asPage, `Mcp-Session-Id: ${session}`]);
            assert.ok(ended.status < 300, `${ended.status}`);
            assertReadable(ended, page);
        });

        await world.test(`${name}: an event stream too`, async () => {
            const answer = await post(url, [`Origin: ${page}`, key, json, "Accept: text/event-stream"], { method: "tools/list" });
            assert.equal(answer.status, 200, answer.body);
            assert.match(all(answer, "Content-Type")[0], /text\/event-stream/);
            assertReadable(answer, page);
        });
    }

    await world.test("the hub's challenge can be read, and its own pages and loopback ones may call", async () => {
        for (const origin of [page, world.hub.url, "http://localhost:6274"]) {
            const answer = await post(hub, [`Origin: ${origin}`, json], { method: "tools/list" });
            assert.equal(answer.status, 401);
            assertReadable(answer, origin);
            assert.ok(all(answer, "WWW-Authenticate")[0]);
        }
    });

    await world.test("the metadata is for everyone who may ask", async () => {
        for (const origin of [[], [`Origin: ${page}`]]) {
            const answer = await exchange(`${world.hub.url}/.well-known/oauth-protected-resource`, ["GET", ...origin]);
            assert.equal(answer.status, 200);
            assert.deepEqual(all(answer, "Access-Control-Allow-Origin"), ["*"]);
        }
    });

    await world.test("the agent lets no loopback page in by itself", async () => {
        for (const origin of ["http://localhost:6274", new URL(local).origin])
            assert.equal((await post(local, [`Origin: ${origin}`, json], { method: "tools/list" })).status, 403, origin);
    });
});

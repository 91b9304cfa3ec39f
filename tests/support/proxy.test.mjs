// What the proxy does to requests: it adds the credential, watches, and nothing else.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { test } from "node:test";

import { startProxy } from "./proxy.mjs";
import { MessageWatch } from "./schema-check.mjs";
import { within } from "./wait.mjs";

async function serverWith(t, handler, options = { credential: "secret" }) {
    const server = http.createServer(handler);
    t.after(() => server.close() && server.closeAllConnections());
    await once(server.listen(0, "127.0.0.1"), "listening");
    const proxy = await startProxy(server.address().port, options);
    t.after(() => proxy.close());
    return proxy;
}

test("Host, Origin and body go through, the credential is added", async (t) => {
    const seen = [];
    const proxy = await serverWith(t, (request, response) => {
        let body = "";
        request.on("data", (piece) => (body += piece)).on("end", () => {
            seen.push({ method: request.method, url: request.url, headers: request.headers, body });
            response.writeHead(421, { "X-Own": "1" }).end("no");
        });
    });
    const headers = { host: "evil.example", origin: "http://evil.example", "mcp-method": "x" };
    const request = http.request({ host: "127.0.0.1", port: proxy.port, path: "/mcp?a=b", method: "POST", headers });
    request.end("{}");
    const [response] = await once(request, "response");
    response.resume();
    assert.equal(response.statusCode, 421);
    assert.equal(response.headers["x-own"], "1");
    const [got] = seen;
    assert.equal(`${got.method} ${got.url} ${got.body}`, "POST /mcp?a=b {}");
    for (const [name, value] of Object.entries(headers)) assert.equal(got.headers[name], value);
    assert.equal(got.headers.authorization, "Bearer secret");
});

test("the first bytes go on before the last, and a client that leaves is seen to leave", async (t) => {
    let left;
    const gone = new Promise((resolve) => (left = resolve));
    const proxy = await serverWith(t, (request, response) => {
        response.on("close", left);
        response.writeHead(200, { "content-type": "text/event-stream" }).write(": first\n\n");
    });
    const stop = new AbortController();
    const response = await fetch(proxy.url, { signal: stop.signal });
    const { value } = await within(response.body.getReader().read(), "the first bytes");
    assert.equal(new TextDecoder().decode(value), ": first\n\n");
    stop.abort();
    await within(gone, "the server to see the client leave");
});

test("messages are watched on their way", async (t) => {
    const watch = new MessageWatch();
    let result = {};
    const proxy = await serverWith(t, (request, response) => {
        request.resume().on("end", () => response.setHeader("content-type", "application/json").end(JSON.stringify({ jsonrpc: "2.0", id: 1, result })));
    }, { watch });
    const post = async () => (await fetch(proxy.url, { method: "POST", body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }) })).text();
    result = { tools: [] };
    await post();
    assert.deepEqual(watch.problems, []);
    result = { tools: "none" };
    await post();
    assert.equal(watch.problems.length, 1);
    assert.equal(watch.messages, 2);
});

test("fields and members can be taken out of answers", async (t) => {
    const body = JSON.stringify({ kept: 1, lost: 2 });
    const edit = (path, text) => (path === "/metadata" ? JSON.stringify({ ...JSON.parse(text), lost: undefined }) : text);
    const proxy = await serverWith(t, (_, response) => response.writeHead(401, { "Content-Type": "application/json", "WWW-Authenticate": "Bearer", "X-Own": "1", "Content-Length": body.length }).end(body), { without: ["www-authenticate"], edit });
    for (const [path, expected] of [["/metadata", '{"kept":1}'], ["/else", body]]) {
        const answer = await fetch(`http://127.0.0.1:${proxy.port}${path}`);
        assert.equal(answer.headers.get("www-authenticate"), null);
        assert.equal(answer.headers.get("x-own"), "1");
        assert.equal(await answer.text(), expected);
    }
});

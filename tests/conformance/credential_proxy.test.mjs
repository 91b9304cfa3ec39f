// What the conformance suite's way to the hub does to requests: it adds the credential, and nothing else.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { test } from "node:test";

import { within } from "../support/wait.mjs";
import { startCredentialProxy } from "./credential-proxy.mjs";

async function serverWith(t, handler) {
    const server = http.createServer(handler);
    t.after(() => server.close() && server.closeAllConnections());
    await once(server.listen(0, "127.0.0.1"), "listening");
    const proxy = await startCredentialProxy(server.address().port, "secret");
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

// What a client really says to the hub: a proxy on loopback that passes everything on as it came and keeps, of every
// request, what tells the era that it speaks.

import { once } from "node:events";
import http from "node:http";

const claim = "io.modelcontextprotocol/protocolVersion";

/** One request: the verb, the method and revision in the body, and the headers of its era. */
function noted(request, body) {
    let message = {};
    try {
        message = JSON.parse(body);
    } catch {} // a GET or DELETE
    const { "mcp-protocol-version": version, "mcp-method": method, "mcp-session-id": session } = request.headers;
    return { verb: request.method, message: message.method, claimed: message.params?._meta?.[claim], header: { version, method, session } };
}

export async function startWire(port) {
    const requests = [];
    const server = http.createServer((request, response) => {
        const upstream = http.request({ host: "127.0.0.1", port, method: request.method, path: request.url, headers: request.rawHeaders, setHost: false, agent: false });
        upstream.on("response", (answer) => {
            response.writeHead(answer.statusCode, answer.statusMessage, answer.rawHeaders);
            response.flushHeaders();
            answer.on("data", (piece) => response.write(piece)).on("end", () => response.end());
            answer.on("error", () => response.destroy());
        });
        upstream.on("error", () => response.destroy());
        response.on("close", () => upstream.destroy());
        request.on("error", () => upstream.destroy());
        const pieces = [];
        request.on("data", (piece) => pieces.push(piece)).on("end", () => requests.push(noted(request, Buffer.concat(pieces))));
        request.pipe(upstream);
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const close = () => {
        server.close();
        server.closeAllConnections();
    };
    return { url: `http://127.0.0.1:${server.address().port}/mcp`, requests, close };
}

/** The revisions that the tool calls among the requests were made in. */
export function revisionsOf(requests) {
    const calls = requests.filter((r) => r.message === "tools/call");
    return [...new Set(calls.map((r) => r.claimed ?? r.header.version))];
}

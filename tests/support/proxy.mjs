// A reverse proxy on loopback between a client and a server of a test. It adds a credential, for clients that cannot send
// one, or watches the messages of clients that are programs of their own. All else goes through as it came, Host and Origin
// too; bytes go on at once, and either end's closing closes the other.

import { once } from "node:events";
import http from "node:http";

const headersOf = (message) => new Headers(Object.entries(message.headersDistinct).map(([name, [value]]) => [name, value]));

/**
 * {url, port, close()} of a proxy to 127.0.0.1:`port`. `watch` is a MessageWatch (schema-check.mjs). `asServer`: the
 * proxy's port stands for the server's in Host and Origin, for servers that answer to their own only.
 */
export async function startProxy(port, { credential, watch, asServer = false } = {}) {
    const server = http.createServer((request, response) => {
        const own = `:${server.address().port}`;
        const swap = (value, i, all) => (asServer && i % 2 === 1 && /^(host|origin)$/i.test(all[i - 1]) && value.endsWith(own) ? value.replace(own, `:${port}`) : value);
        const headers = [...request.rawHeaders.map(swap), ...(credential ? ["Authorization", `Bearer ${credential}`] : [])];
        const upstream = http.request({ host: "127.0.0.1", port, method: request.method, path: request.url, headers, setHost: false, agent: false });
        const sent = [];
        if (watch) request.on("data", (piece) => sent.push(piece));
        upstream.on("response", (answer) => {
            const look = watch?.begin(request.method, headersOf(request), Buffer.concat(sent), headersOf(answer), answer.statusCode);
            response.writeHead(answer.statusCode, answer.statusMessage, answer.rawHeaders);
            response.flushHeaders();
            answer.on("data", (piece) => {
                look?.piece(piece);
                response.write(piece);
            });
            answer.on("end", () => {
                look?.end();
                response.end();
            });
            answer.on("error", () => response.destroy());
        });
        upstream.on("error", () => response.destroy());
        response.on("close", () => upstream.destroy());
        request.on("error", () => upstream.destroy());
        request.pipe(upstream);
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const own = server.address().port;
    const close = () => {
        server.close();
        server.closeAllConnections();
    };
    return { port: own, url: `http://127.0.0.1:${own}/mcp`, close };
}

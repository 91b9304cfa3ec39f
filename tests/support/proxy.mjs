// A reverse proxy on loopback between a client and a server of a test. It adds a credential, for clients that cannot send
// one, or watches the messages of clients that are programs of their own. All else goes through as it came, Host and Origin
// too; bytes go on at once, and either end's closing closes the other.

import { once } from "node:events";
import http from "node:http";

const headersOf = (message) => new Headers(Object.entries(message.headersDistinct).map(([name, [value]]) => [name, value]));

/**
 * {url, port, close()} of a proxy to 127.0.0.1:`port`. `watch` is a MessageWatch (schema-check.mjs). `asServer`: the
 * proxy's port stands for the server's in Host and Origin, for servers that answer to their own only. `port` may be a
 * function, for a server that starts later. `without` names the fields that the answers lose; `edit(path, body)` may
 * give another body for an answer of JSON.
 */
export async function startProxy(port, { credential, watch, asServer = false, without = [], edit } = {}) {
    const portNow = () => (typeof port === "function" ? port() : port);
    const isLost = (name) => without.includes(name.toLowerCase()) || (edit && /^(content-length|transfer-encoding)$/i.test(name));
    const kept = (raw) => raw.filter((_, i) => !isLost(raw[i - (i % 2)]));
    const server = http.createServer((request, response) => {
        const own = `:${server.address().port}`;
        const swap = (value, i, all) => (asServer && i % 2 === 1 && /^(host|origin)$/i.test(all[i - 1]) && value.endsWith(own) ? value.replace(own, `:${portNow()}`) : value);
        const headers = [...request.rawHeaders.map(swap), ...(credential ? ["Authorization", `Bearer ${credential}`] : [])];
        const upstream = http.request({ host: "127.0.0.1", port: portNow(), method: request.method, path: request.url, headers, setHost: false, agent: false });
        const sent = [];
        if (watch) request.on("data", (piece) => sent.push(piece));
        upstream.on("response", (answer) => {
            const look = watch?.begin(request.method, headersOf(request), Buffer.concat(sent), headersOf(answer), answer.statusCode);
            response.writeHead(answer.statusCode, answer.statusMessage, kept(answer.rawHeaders));
            response.flushHeaders();
            const whole = edit && /json/.test(answer.headers["content-type"]) ? [] : undefined;
            answer.on("data", (piece) => {
                look?.piece(piece);
                if (whole) whole.push(piece);
                else response.write(piece);
            });
            answer.on("end", () => {
                look?.end();
                response.end(whole && edit(request.url, Buffer.concat(whole).toString()));
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

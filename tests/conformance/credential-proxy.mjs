// A reverse proxy on loopback that adds a credential to every request, for clients that cannot send one. Everything else
// goes through as it came, Host and Origin too; bytes go on at once, and either end's closing closes the other.

import { once } from "node:events";
import http from "node:http";

/** {url, port, close()} of a proxy to 127.0.0.1:`port`. */
export async function startCredentialProxy(port, credential) {
    const server = http.createServer((request, response) => {
        const headers = [...request.rawHeaders, "Authorization", `Bearer ${credential}`];
        const upstream = http.request({ host: "127.0.0.1", port, method: request.method, path: request.url, headers, setHost: false, agent: false });
        upstream.on("response", (answer) => {
            response.writeHead(answer.statusCode, answer.statusMessage, answer.rawHeaders);
            response.flushHeaders();
            answer.on("data", (piece) => response.write(piece)).on("end", () => response.end());
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

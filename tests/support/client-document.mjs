// An https server on loopback that publishes the metadata document of an OAuth client whose id is a URL.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import https from "node:https";

import { Authority } from "./certificates.mjs";

/** What the document says; the id is the URL that it is at. */
const documentOf = (client_id) => ({
    client_id,
    client_name: "An app with a document",
    redirect_uris: ["http://127.0.0.1/callback", "http://localhost/callback"],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
});

/** {url, serveArgs, close()}; a hub that serves with `serveArgs` may fetch from it. Its files are in `directory`. */
export async function publishClientDocument(directory) {
    const authority = await Authority.make(directory);
    const { cert, key } = await authority.issue("client-document");
    const server = https.createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
        const found = request.url === "/client.json";
        response.writeHead(found ? 200 : 404, { "content-type": "application/json" }).end(JSON.stringify(found ? documentOf(url) : {}));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const place = `localhost:${server.address().port}`;
    const url = `https://${place}/client.json`;
    const close = () => {
        server.close();
        server.closeAllConnections();
    };
    return { url, serveArgs: ["--allow-fetch-from", place, "--fetch-ca", authority.file], close };
}

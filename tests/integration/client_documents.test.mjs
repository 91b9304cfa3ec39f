// OAuth clients whose id is the URL of a document: the hub fetches it when they come, from where it may and no longer than it
// should.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import https from "node:https";
import { test } from "node:test";

import { Authority } from "../support/certificates.mjs";
import { startWorld } from "../support/harness.mjs";

const redirect = "http://127.0.0.1:7171/callback";

test("clients by their documents", async (t) => {
    const answers = new Map(); // path → what answers there
    const asked = [];
    let server;
    const world = await startWorld(t, {
        machines: 0,
        hub: async (w) => {
            const authority = await Authority.make(w.dir);
            const { cert, key } = await authority.issue("client");
            server = https.createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
                asked.push(request.url);
                answers.get(request.url)(response, request);
            });
            server.listen(0, "localhost");
            await once(server, "listening");
            w.closers.push(() => {
                server.closeAllConnections();
                server.close();
            });
            return { serveArgs: ["--allow-fetch-from", `localhost:${server.address().port}`, "--fetch-ca", authority.file] };
        },
    });
    const { port } = server.address();
    const idOf = (path) => `https://localhost:${port}${path}`;
    const publish = (path, change = {}, headers = {}) =>
        answers.set(path, (response) => response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify({ client_id: idOf(path), client_name: "A <b>client</b>", redirect_uris: ["http://127.0.0.1/callback"], ...change })));
    const authorize = async (clientId, redirectUri = redirect) => {
        const query = new URLSearchParams({ response_type: "code", client_id: clientId, redirect_uri: redirectUri, code_challenge: "A".repeat(43), code_challenge_method: "S256", scope: "mcp:tools" });
        const response = await fetch(`${world.hub.url}/authorize?${query}`, { redirect: "manual" });
        return { status: response.status, location: response.headers.get("location") ?? "", text: await response.text() };
    };
    // A minute's fetches are few: a hub for each part.
    const part = (name, body) =>
        world.test(name, async () => {
            await world.hub.kill();
            await world.hub.start();
            asked.length = 0;
            await body();
        });

    await part("a client is let on, its document fetched once", async () => {
        publish("/client.json");
        for (let i = 0; i < 3; i++) {
            const { status, location } = await authorize(idOf("/client.json"));
            assert.equal(status, 303);
            assert.match(location, /^\/consent\?request=/);
        }
        assert.deepEqual(asked, ["/client.json"]);
        assert.equal((await authorize(idOf("/client.json"), "http://127.0.0.1:7171/other")).status, 400);
    });

    await part("what is wrong with a document is said, and nobody is sent anywhere", async () => {
        const refused = async (path, reason) => {
            const { status, location, text } = await authorize(idOf(path));
            assert.deepEqual([status, location], [400, ""], path);
            assert.match(text, reason);
        };
        publish("/other.json", { client_id: idOf("/client.json") });
        await refused("/other.json", /client_id/);
        publish("/redirects.json", { redirect_uris: ["javascript:alert(1)"] });
        await refused("/redirects.json", /redirect_uris/);
        publish("/html.json", {}, { "content-type": "text/html" });
        await refused("/html.json", /application\/json/);
        answers.set("/moved.json", (response) => response.writeHead(302, { location: "/client.json" }).end());
        await refused("/moved.json", /redirects are not followed/);
        assert.ok(!asked.includes("/client.json"), "a redirect was followed");
    });

    await part("a document that does not end is given up", async () => {
        answers.set("/endless.json", (response) => {
            response.writeHead(200, { "content-type": "application/json" });
            const pour = () => {
                while (response.write(" ".repeat(10_000)));
            };
            response.on("drain", pour);
            pour();
        });
        const endless = await authorize(idOf("/endless.json"));
        assert.equal(endless.status, 503);
        assert.match(endless.text, /too large/);
        answers.set("/drip.json", (response) => {
            response.writeHead(200, { "content-type": "application/json" });
            const drops = setInterval(() => response.write(" "), 200);
            response.on("close", () => clearInterval(drops));
        });
        const dripping = await authorize(idOf("/drip.json"));
        assert.equal(dripping.status, 503);
        assert.match(dripping.text, /in time/);
    });

    await part("no document is fetched from where the hub may not go", async () => {
        for (const id of [`https://127.0.0.1:${port}/client.json`, `https://[::1]:${port}/client.json`, "https://localhost/client.json", "https://127.0.0.1/client.json", "https://[::ffff:127.0.0.1]/client.json", "https://2130706433/client.json", `https://localhost:${port}/../client.json`, `https://user@localhost:${port}/client.json`]) {
            const { location, text } = await authorize(id);
            assert.equal(location, "", id);
            assert.match(text, /public internet|another port|client_id cannot be used/, id);
        }
        assert.deepEqual(asked, []);
    });

    await part("a client whose document cannot be reached is not called unknown", async () => {
        const form = new URLSearchParams({ grant_type: "refresh_token", refresh_token: `czr_${"a".repeat(49)}`, client_id: idOf("/client.json") });
        const refresh = () => fetch(`${world.hub.url}/token`, { method: "POST", body: form });
        answers.set("/client.json", (response) => response.writeHead(500).end());
        const refused = await refresh();
        assert.equal(refused.status, 503);
        assert.equal((await refused.json()).error, "temporarily_unavailable");
        publish("/client.json");
        assert.equal((await (await refresh()).json()).error, "invalid_grant");
    });
});

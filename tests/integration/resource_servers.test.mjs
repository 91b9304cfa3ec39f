// Another MCP server of the workspace gets its tokens from the hub, as it would from MCPAuthKit, and asks the hub about them.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";

import { Browser } from "../support/browser.mjs";
import { startWorld } from "../support/harness.mjs";

const password = "correct horse battery";
const wiki = "https://wiki.example.com/mcp";
const callback = "http://127.0.0.1:1/callback";

test("another resource server", async (t) => {
    const world = await startWorld(t, { machines: 0 });
    const { hub } = world;
    const json = async (path, { key, ...options } = {}) => {
        const headers = { ...(options.body && { "Content-Type": "application/json" }), ...(key && { Authorization: `Bearer ${key}` }) };
        const answer = await fetch(hub.url + path, { ...options, headers });
        return { status: answer.status, ...(await answer.json()) };
    };
    const form = async (path, fields, headers = {}) => {
        const answer = await fetch(hub.url + path, { method: "POST", body: new URLSearchParams(fields), headers });
        return { status: answer.status, ...(await answer.json()) };
    };
    const add = (body, key) => json("/api/servers", { method: "POST", body: JSON.stringify(body), key });
    const { api_key: admin } = await hub.admin("api-key", "--name", "admin", "--admin");
    let server;

    await world.test("is added by an admin", async () => {
        assert.equal((await add({ name: "Wiki", resource_url: wiki })).status, 401);
        assert.equal((await add({ name: "Wiki", resource_url: wiki }, hub.credentials.api_key)).status, 403);
        for (const wrong of [{ name: "Wiki" }, { resource_url: wiki }, { name: "Wiki", resource_url: "ftp://a" }, { name: "Wiki", resource_url: `${wiki}#x` }, { name: "Wiki", resource_url: hub.mcpUrl }])
            assert.equal((await add(wrong, admin)).status, 400, JSON.stringify(wrong));
        server = await add({ name: "Wiki", resource_url: wiki }, admin);
        assert.equal(server.status, 201);
        assert.match(server.server_id, /^srv_/);
        assert.match(server.api_key, /^sak_/);
        assert.equal((await add({ name: "Again", resource_url: wiki }, admin)).status, 409);
        const { servers } = await json("/api/servers", { key: admin });
        assert.deepEqual(servers.map((one) => [one.server_id, one.api_key]), [[server.server_id, undefined]]);
    });

    await world.test("has metadata that names the hub", async () => {
        const metadata = await json(new URL(server.prm_url).pathname);
        assert.deepEqual([metadata.resource, metadata.authorization_servers], [wiki, [hub.url]]);
        assert.equal((await json("/prm/srv_unknown")).status, 404);
    });

    await world.test("gets tokens that are good there and nowhere else", async () => {
        const ada = new Browser(hub.url);
        await ada.submit(await ada.go(hub.credentials.sign_in_link), { email: "ada@example.org", new_password: password, repeated_password: password });
        const verifier = randomBytes(32).toString("base64url");
        const challenge = createHash("sha256").update(verifier).digest("base64url");
        const authorize = (resource) =>
            `/authorize?${new URLSearchParams({ response_type: "code", client_id: "codez-mcp", redirect_uri: callback, code_challenge: challenge, code_challenge_method: "S256", resource })}`;
        const refused = await ada.request(authorize("https://nobody.example.com/mcp"));
        assert.equal(new URL(refused.headers.get("location")).searchParams.get("error"), "invalid_target");

        const page = await ada.go(authorize(wiki));
        assert.match(page.text, /act for you at <strong>Wiki<\/strong> \(https:\/\/wiki\.example\.com\/mcp\)/);
        const answer = await ada.request("/consent", { form: { ...page.forms[0].fields, decision: "allow" } });
        const code = new URL(answer.headers.get("location")).searchParams.get("code");
        const { access_token: token } = await form("/token", { grant_type: "authorization_code", client_id: "codez-mcp", code, redirect_uri: callback, code_verifier: verifier, resource: wiki });

        const basic = (id, secret) => ({ Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}` });
        const told = await form("/introspect", { token }, basic(server.server_id, server.api_key));
        assert.deepEqual([told.active, told.aud, told.scope], [true, wiki, "mcp:tools"]);
        assert.equal((await form("/introspect", { token }, basic(server.server_id, "sak_wrong"))).status, 401);
        assert.equal((await form("/introspect", { token, client_id: "codez-mcp" })).active, false, "a public client learns nothing");
        assert.equal((await json("/userinfo", { key: token })).aud, wiki);
        assert.equal((await json("/mcp", { method: "POST", body: "{}", key: token })).status, 401, "it is not for the hub");

        const other = await add({ name: "Other", resource_url: "https://other.example.com/mcp" }, admin);
        assert.equal((await form("/introspect", { token }, basic(other.server_id, other.api_key))).active, false, "it is not theirs");
    });
});

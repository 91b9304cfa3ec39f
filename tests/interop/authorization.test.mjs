// The TypeScript SDKs get at the hub by OAuth: every way to be a client, every spelling of the URL, with the challenge and
// without. No machine.

import assert from "node:assert/strict";
import { test } from "node:test";

import { McpClient } from "../support/harness.mjs";
import { OAuthClient } from "../support/oauth-client.mjs";
import { startMatrix } from "./oauth_matrix.mjs";
import { Provider, answered, connectByOAuth, sdks } from "./oauth_provider.mjs";

const registrations = {
    document: { provider: (document) => new Provider({ documentUrl: document.url }), id: (document) => document.url },
    registered: { provider: () => new Provider(), id: () => /^c_[a-z0-9]+$/ },
    "pre-registered": { provider: (_, issuer) => new Provider({ client: { client_id: "codez-mcp", issuer } }), id: () => "codez-mcp" },
};

// What a client then sends as `resource`: what the metadata says that it was led to, or that it finds without being led.
// Both SDKs look for the metadata of /mcp/ at that of /mcp, which is good for everything below.
const resources = [
    { path: "/mcp", challenge: true, resource: "/mcp" },
    { path: "/mcp", challenge: false, resource: "/mcp" },
    { path: "/mcp/", challenge: true, resource: "/mcp/" },
    { path: "/mcp/", challenge: false, resource: "/mcp" },
];

test("the SDKs get in by OAuth", async (t) => {
    const { world, document, bend, person } = await startMatrix(t);
    const { hub } = world;

    for (const [name, sdk] of Object.entries(sdks))
        for (const [kind, { provider: make, id }] of Object.entries(registrations))
            for (const { path, challenge, resource } of resources)
                await world.test(`${name}, ${kind} client, ${path}, ${challenge ? "with a challenge" : "no challenge"}`, async () => {
                    bend(challenge ? [] : ["www-authenticate"]);
                    const provider = make(document, hub.url);
                    const client = await connectByOAuth(sdk, hub.url + path, provider, person);
                    t.after(() => client.close());
                    const asked = provider.asked[0].searchParams;
                    const expected = id(document);
                    if (expected instanceof RegExp) assert.match(asked.get("client_id"), expected);
                    else assert.equal(asked.get("client_id"), expected);
                    assert.equal(asked.get("resource"), hub.url + resource);
                    assert.equal(provider.asked.length, 1);
                    const { structuredContent } = await client.callTool({ name: "list_machines", arguments: {} });
                    assert.deepEqual(structuredContent.machines, []);
                    assert.ok(provider.saved.scope.includes("mcp:tools"));
                    await client.close();
                });

    for (const [name, sdk] of Object.entries(sdks)) {
        await world.test(`${name} refuses metadata of a resource longer than the URL, so the hub must never show it`, async () => {
            bend([], (path, body) => (body.resource ? { ...body, resource: `${hub.url}/mcp/` } : body));
            const client = new sdk.Client({ name: "codez-test", version: "1" });
            const transport = new sdk.Transport(new URL(hub.mcpUrl), { authProvider: new Provider() });
            await assert.rejects(client.connect(transport), /does not match|resource/i);
        });

        await world.test(`${name} refreshes by itself, and signs in again where its tokens have ended`, async () => {
            bend();
            const provider = new Provider();
            const client = await connectByOAuth(sdk, hub.mcpUrl, provider, person);
            t.after(() => client.close());
            const first = provider.saved;
            provider.saved = { ...first, access_token: "cza_gone" };
            await client.callTool({ name: "list_machines", arguments: {} });
            assert.notEqual(provider.saved.refresh_token, first.refresh_token);
            assert.equal(provider.asked.length, 1);
            provider.saved = { ...first, access_token: "cza_gone", refresh_token: "czr_gone" };
            await assert.rejects(client.callTool({ name: "list_machines", arguments: {} }), sdk.Unauthorized);
            assert.equal(provider.asked.length, 2, "the person is asked once more");
            await client.close();
        });

        await world.test(`${name} registers again when the hub has forgotten it`, async () => {
            bend();
            const provider = new Provider({ client: { client_id: "c_forgotten", issuer: hub.url } });
            provider.saved = { access_token: "cza_gone", refresh_token: "czr_gone", token_type: "Bearer", issuer: hub.url };
            const client = await connectByOAuth(sdk, hub.mcpUrl, provider, person);
            assert.notEqual(provider.client.client_id, "c_forgotten");
            await client.close();
        });

        await world.test(`${name}: whoever refuses is no client`, async () => {
            bend();
            const provider = new Provider();
            const client = new sdk.Client({ name: "codez-test", version: "1" });
            const transport = new sdk.Transport(new URL(hub.mcpUrl), { authProvider: provider });
            await assert.rejects(client.connect(transport), sdk.Unauthorized);
            const callback = await answered(provider, person, { allow: false });
            assert.equal(callback.searchParams.get("error"), "access_denied");
            if (name === "SDK v2") await assert.rejects(sdk.finish(transport, callback), /access_denied|refused/);
            assert.equal(provider.saved, undefined);
        });
    }

    // Clients that send the origin (Claude Code up to 2.1.258) get the same tokens.
    await world.test("by hand: the resource as the path, with a slash, as the origin, or not named at all", async () => {
        bend();
        const spellings = [hub.mcpUrl, `${hub.mcpUrl}/`, hub.url, `${hub.url}/`, undefined];
        const app = new OAuthClient(hub.url, { id: "codez-mcp", redirectUri: "http://127.0.0.1:43117/callback" });
        for (const asked of spellings)
            for (const redeemed of spellings) {
                const begun = app.begin({ resource: asked });
                const { body } = await app.redeem(await person.answer(begun.url), begun, { resource: redeemed });
                assert.ok(body.access_token, `${asked} ${redeemed}: ${JSON.stringify(body)}`);
                await new McpClient(hub.mcpUrl, body.access_token).call("list_machines");
                const refreshed = await app.refresh(body.refresh_token, { resource: asked });
                assert.equal(refreshed.status, 200, refreshed.text);
            }
    });

    await stepUp(t, { world, person, bend });
});

// A grant of few scopes, then a wider one. The hub hides the tools that a token does not cover; whoever calls one all the
// same gets 403 with the scopes to ask for.
async function stepUp(t, { world, person, bend }) {
    const { hub } = world;
    const few = { scopes: ["sessions:read"] };
    const start = async (sdk) => {
        bend();
        const provider = new Provider();
        const client = await connectByOAuth(sdk, hub.mcpUrl, provider, person, few);
        t.after(() => client.close());
        assert.match(provider.saved.scope, /^sessions:read( offline_access)?$/);
        const { tools } = await client.listTools();
        assert.ok(tools.some((tool) => tool.name === "list_sessions"));
        assert.ok(!tools.some((tool) => tool.name === "list_machines"));
        const call = async () => (await client.callTool({ name: "list_machines", arguments: {} })).structuredContent.machines;
        return { provider, client, call };
    };

    await world.test("SDK v1 has no way to more scopes but a wider grant", async () => {
        const sdk = sdks["SDK v1"];
        const { provider, call } = await start(sdk);
        // It holds a refresh token, so it refreshes, and never gets to the browser.
        await assert.rejects(call(), /403 after trying upscoping/);
        assert.equal(provider.asked.length, 1);
        assert.equal(provider.saved.scope, "sessions:read");
        // Its person allows more to the same application elsewhere: what it refreshes to then is enough.
        const elsewhere = new Provider({ client: provider.client });
        await (await connectByOAuth(sdk, hub.mcpUrl, elsewhere, person)).close();
        assert.equal(await sdk.auth(provider, { serverUrl: hub.mcpUrl }), "AUTHORIZED");
        assert.deepEqual(await call(), []);
        assert.equal(provider.asked.length, 1);
    });

    await world.test("SDK v1 gets on by itself where the grant was widened before it calls", async () => {
        const sdk = sdks["SDK v1"];
        const { provider, call } = await start(sdk);
        await (await connectByOAuth(sdk, hub.mcpUrl, new Provider({ client: provider.client }), person)).close();
        assert.deepEqual(await call(), [], "403, refreshed, and called again");
        assert.equal(provider.asked.length, 1);
        assert.equal(provider.saved.scope, "mcp:tools");
    });

    await world.test("SDK v2 asks the person for what it has and what it lacks", async () => {
        const sdk = sdks["SDK v2"];
        const { provider, client, call } = await start(sdk);
        await assert.rejects(call(), sdk.Unauthorized);
        assert.equal(provider.asked.length, 2);
        assert.deepEqual(new Set(provider.asked[1].searchParams.get("scope").split(" ")), new Set(["sessions:read", "machines:read", "offline_access"]));
        await sdk.finish(new sdk.Transport(new URL(hub.mcpUrl), { authProvider: provider }), await answered(provider, person));
        assert.deepEqual(await call(), []);
        await client.close();
    });
}

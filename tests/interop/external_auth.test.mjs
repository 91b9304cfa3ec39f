// People sign in at another authorization server, a real oidc-provider, and call the hub with its tokens: by both SDKs, by JWT and
// by introspection.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import tls from "node:tls";

import { Authority } from "../support/certificates.mjs";
import { startWorld, until } from "../support/harness.mjs";
import { OidcProvider } from "../support/oidc-provider.mjs";
import { sdks, signedIn } from "./signed_in.mjs";

const other = "https://other.example/mcp";

/** The stream of a legacy session, which stays open: {isOpen, close}. */
async function openStream(client) {
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "codez-test", version: "1" } };
    const begun = await client.post({ jsonrpc: "2.0", id: 1, method: "initialize", params });
    const stop = new AbortController();
    const headers = { ...client.headers, accept: "text/event-stream", "mcp-protocol-version": "2025-11-25", "mcp-session-id": begun.headers.get("mcp-session-id") };
    const response = await fetch(client.url, { headers, signal: stop.signal });
    assert.equal(response.status, 200);
    const stream = { isOpen: true, close: () => stop.abort() };
    response.text().catch(() => {}).finally(() => (stream.isOpen = false));
    return stream;
}

/** A hub with a provider beside it whose tokens it takes; alice of there is the hub's owner. */
async function start(t, format, serveArgs = () => []) {
    let provider;
    const world = await startWorld(t, {
        hub: async (w) => {
            const authority = await Authority.make(w.dir);
            tls.setDefaultCACertificates([...tls.getCACertificates("default"), readFileSync(authority.file, "utf8")]);
            provider = await OidcProvider.start({ certificate: await authority.issue("provider"), format, resources: () => [w.hub.mcpUrl, other] });
            w.closers.push(() => provider.stop());
            return { serveArgs: ["--auth-server", provider.issuer, "--allow-fetch-from", `localhost:${provider.port}`, "--fetch-ca", authority.file, ...serveArgs(w)] };
        },
    });
    const link = (subject, ...more) => world.hub.admin("link-identity", "--issuer", provider.issuer, "--subject", subject, ...more);
    const answer = (token) => world.client(token).post({ jsonrpc: "2.0", id: 1, method: "ping" });
    const status = async (token) => (await answer(token)).status;
    await link("alice");
    return { world, provider, link, answer, status };
}

for (const format of ["jwt", "opaque"]) {
    test(`people of another authorization server: ${format} tokens`, async (t) => {
        const introspection = (w) => {
            const file = join(w.dir, "secret");
            writeFileSync(file, "hub's secret: %&+\n", { mode: 0o600 });
            return ["--auth-kind", "introspection", "--auth-client-id", "hub", "--auth-client-secret-file", file];
        };
        const { world, provider, link, answer, status } = await start(t, format, format === "jwt" ? undefined : introspection);

        await world.test("the hub's metadata leads there", async () => {
            const challenge = (await answer("")).headers.get("www-authenticate");
            const [, metadata] = /resource_metadata="([^"]+)"/.exec(challenge);
            assert.deepEqual((await (await fetch(metadata)).json()).authorization_servers, [provider.issuer]);
        });

        for (const sdk of sdks)
            await world.test(`SDK ${sdk.name} signs in and calls a tool`, async () => {
                const client = await signedIn(sdk, world.hub.mcpUrl, provider.issuer);
                const { structuredContent } = await client.callTool({ name: "list_machines", arguments: {} });
                assert.deepEqual(structuredContent.machines.map((m) => m.name), ["m1"]);
                await client.close();
            });

        await world.test("a token may do what its scopes say, and no more", async () => {
            const client = world.client(await provider.token({ scope: "sessions:read machines:read" }));
            await client.call("list_machines");
            const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "create_session", arguments: { cwd: world.machines[0].project("narrow") } } };
            const refused = await client.post(call);
            assert.equal(refused.status, 403);
            assert.match(refused.headers.get("www-authenticate"), /error="insufficient_scope", scope="sessions:read machines:read sessions:write"/, "which to ask for");
        });

        await world.test("a token for another service is refused", async () => {
            assert.equal(await status(await provider.token({ resource: other })), 401);
        });

        await world.test("keys of the hub work as before, and what is neither is refused", async () => {
            assert.equal(await status(world.hub.credentials.api_key), 200);
            for (const bad of ["made-up", "a.b.c", `czk_${"a".repeat(40)}`]) assert.equal(await status(bad), 401, bad);
        });

        await world.test("somebody who is nobody here is told so", async () => {
            provider.user = "mallory";
            const token = await provider.token();
            const refused = await answer(token);
            assert.equal(refused.status, 403);
            assert.match(JSON.parse(refused.text).message, /"mallory" at https:.* operator/);
            await link("mallory");
            assert.equal(await status(token), 200);
            const theirs = await openStream(world.client(token));
            const mine = await openStream(world.client());
            await link("mallory", "--remove");
            await until(async () => (await status(token)) === 403, "the end of the link to count");
            await until(() => !theirs.isOpen, "what was open by it to end");
            assert.equal(mine.isOpen, true, "a stream of somebody else");
            mine.close();
            provider.user = "alice";
        });

        if (format === "jwt") {
            await world.test("a token that has expired, or is no access token, is refused", async () => {
                const now = Math.floor(Date.now() / 1000);
                assert.equal(await status(provider.forge({})), 200);
                assert.equal(await status(provider.forge({ exp: now - 61 })), 401);
                assert.equal(await status(provider.forge({ exp: now + 48 * 3600 })), 401);
                assert.equal(await status(provider.forge({ iss: "https://evil.example" })), 401);
                assert.equal(await status(provider.forge({}, { typ: "JWT" })), 401);
                assert.equal(await status(provider.forge({ nonce: "n" })), 401);
                assert.equal(await status(`${provider.forge({}).split(".").slice(0, 2).join(".")}.`), 401);
            });

            await world.test("new keys count at once, old ones no more once they are gone", async () => {
                const before = await provider.token();
                assert.equal(await status(before), 200);
                await provider.stop();
                provider.newKeys();
                await provider.start();
                assert.equal(await status(await provider.token()), 200);
                await until(async () => (await status(before)) === 401, "the old key to count no more");
            });

            await world.test("without the server, tokens by known keys pass", async () => {
                const token = await provider.token();
                await provider.stop();
                assert.equal(await status(token), 200);
                assert.equal(await status(provider.forge({ jti: "never seen" })), 200);
                await provider.start();
            });
        } else {
            await world.test("a token that was revoked is refused", async () => {
                const token = await provider.token();
                await provider.revoke(token);
                assert.equal(await status(token), 401);
            });

            await world.test("without the server, nobody's token is called wrong", async () => {
                const known = await provider.token();
                assert.equal(await status(known), 200);
                const token = await provider.token();
                await provider.stop();
                const refused = await answer(token);
                assert.equal(refused.status, 503);
                assert.equal(refused.headers.get("retry-after"), "1");
                assert.equal(await status(known), 200); // for 30 seconds
                assert.match(readFileSync(world.hub.log, "utf8"), /authorization server cannot be asked/);
                await provider.start();
            });
        }
    });
}

test("a hub that has never reached its authorization server", async (t) => {
    const { world, provider, status } = await start(t, "jwt", () => ["--auth-workspace-claim", "workspace"]);
    await world.test("calls no token wrong, and recovers by itself", async () => {
        await provider.stop();
        const token = provider.forge({ workspace: world.hub.credentials.workspace_id });
        assert.equal(await status(token), 503);
        assert.equal(await status(world.hub.credentials.api_key), 200);
        await provider.start();
        await until(async () => (await status(token)) === 200, "the hub to reach the server again");
    });

    await world.test("takes the workspace that the token names", async () => {
        assert.equal(await status(provider.forge({ workspace: "w_0000000000000000" })), 403);
        assert.equal(await status(provider.forge({})), 200); // alice is a member of one only
    });
});

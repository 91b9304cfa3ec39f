// An agent that is reached directly, by the clients that people have: with a key, and with tokens of a real oidc-provider,
// which the SDKs find by themselves.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import tls from "node:tls";

import { Authority } from "../support/certificates.mjs";
import { startDirectWorld } from "../support/direct-machine.mjs";
import { until } from "../support/harness.mjs";
import { OidcProvider } from "../support/oidc-provider.mjs";
import { sdks, signedIn } from "./signed_in.mjs";
import { mainJob } from "./main_job.mjs";
import { connectV1, connectV2 } from "./sdks.mjs";

const other = "https://other.example/mcp";

test("an agent that is reached directly, with a key, by the SDKs", async (t) => {
    const { world, machine } = await startDirectWorld(t);
    const { key } = await machine.key("new", "sdk");
    await machine.listen();
    for (const [name, connect, path] of [["v1", connectV1, "/mcp"], ["v1", connectV1, "/key/mcp"], ["v2", connectV2, "/mcp"]])
        await world.test(`the main job by SDK ${name} at ${path}`, async () => {
            const client = await connect(`${machine.url}${path}`, key);
            await mainJob(client.call, machine, `${name}${path.replaceAll("/", "-")}`);
            await client.close();
        });
});

for (const format of ["jwt", "opaque"])
    test(`an agent that is reached directly, with ${format} tokens`, async (t) => {
        const { world, machine } = await startDirectWorld(t);
        const authority = await Authority.make(world.dir);
        tls.setDefaultCACertificates([...tls.getCACertificates("default"), readFileSync(authority.file, "utf8")]);
        const resources = () => [machine.mcpUrl, `${machine.mcpUrl}/`, other];
        const provider = await OidcProvider.start({ certificate: await authority.issue("provider"), format, resources });
        world.closers.push(() => provider.stop());
        const secret = join(world.dir, "secret");
        writeFileSync(secret, "hub's secret: %&+\n", { mode: 0o600 });
        const introspection = ["--auth-kind", "introspection", "--auth-client-id", "hub", "--auth-client-secret-file", secret];
        await machine.listen(["--auth-server", provider.issuer, "--auth-subject", "alice", "--auth-subject", "bob", "--allow-fetch-from", `localhost:${provider.port}`, "--fetch-ca", authority.file, ...(format === "jwt" ? [] : introspection)]);
        const answer = (token, path) => machine.client(token, path).post({ jsonrpc: "2.0", id: 1, method: "ping" });
        const status = async (token, path) => (await answer(token, path)).status;
        const tokens = [];
        const token = async (options) => (tokens.push(await provider.token(options)), tokens.at(-1));

        await world.test("the challenge leads to the metadata, which spells the resource as the client does", async () => {
            for (const path of ["/mcp", "/mcp/"]) {
                const refused = await answer("", path);
                assert.equal(refused.status, 401);
                const [, url] = /^Bearer resource_metadata="([^"]+)", scope="mcp:tools"$/.exec(refused.headers.get("www-authenticate"));
                const response = await fetch(url, { headers: { origin: "https://page.example" } });
                assert.equal(response.headers.get("access-control-allow-origin"), "*");
                const metadata = await response.json();
                assert.deepEqual([metadata.resource, metadata.authorization_servers], [`${machine.url}${path}`, [provider.issuer]]);
            }
            for (const path of ["", "/", "/mcp", "/mcp/"]) assert.equal((await fetch(`${machine.url}/.well-known/oauth-protected-resource${path}`)).status, 200, path);
            assert.match((await answer("wrong", "/mcp")).headers.get("www-authenticate"), /error="invalid_token"$/);
            assert.match((await answer("", "/key/mcp")).headers.get("www-authenticate"), /^ApiKey /);
        });

        for (const sdk of sdks)
            await world.test(`SDK ${sdk.name} finds its way, signs in and does the main job`, async () => {
                const client = await signedIn(sdk, machine.mcpUrl, provider.issuer);
                const call = async (name, args) => (await client.callTool({ name, arguments: args })).structuredContent;
                await mainJob(call, machine, `${sdk.name}-${format}`);
                await client.close();
            });

        await world.test("a token for another service is refused, one for another spelling of this one is not", async () => {
            assert.equal(await status(await token({ resource: other })), 401);
            assert.equal(await status(await token({ resource: `${machine.mcpUrl}/` })), 200);
        });

        await world.test("somebody who was not named is told so", async () => {
            provider.user = "mallory";
            const refused = await answer(await token());
            assert.equal(refused.status, 403);
            assert.match(JSON.parse(refused.text).message, /"mallory" at https:.* --auth-subject/);
            provider.user = "bob";
            assert.equal(await status(await token()), 200);
            provider.user = "alice";
        });

        await world.test("a token with too few scopes is told which to ask for, its own among them", async () => {
            const narrow = await token({ scope: "sessions:read machines:read" });
            const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "create_session", arguments: { cwd: machine.project("narrow") } } };
            const upload = () => fetch(`${machine.url}/api/v1/uploads?name=a`, { method: "PUT", headers: { authorization: `Bearer ${narrow}` }, body: "hello" });
            for (const refused of [await machine.client(narrow).post(call), await upload()]) {
                assert.equal(refused.status, 403);
                assert.match(refused.headers.get("www-authenticate"), /error="insufficient_scope", scope="sessions:read machines:read sessions:write"/);
            }
        });

        await world.test("keys open it too, also ones that are made later", async () => {
            const { key } = await machine.key("new", "later");
            assert.equal(await status(key), 200);
        });

        await world.test("in the audit a person stands by name", async () => {
            const { audit } = JSON.parse((await machine.codez("audit", "--json")).stdout);
            assert.ok(audit.some((entry) => entry.origin === "direct" && entry.principal.startsWith("direct/alice/")));
        });

        if (format === "jwt")
            await world.test("what is open ends when the token has expired", async () => {
                const soon = provider.forge({ exp: Math.floor(Date.now() / 1000) - 56, client_id: "short" }); // clocks may differ by 60 s
                const client = machine.client(soon);
                const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } };
                const begun = await client.post({ jsonrpc: "2.0", id: 1, method: "initialize", params });
                const headers = { ...client.headers, accept: "text/event-stream", "mcp-protocol-version": "2025-11-25", "mcp-session-id": begun.headers.get("mcp-session-id") };
                const response = await fetch(client.url, { headers });
                assert.equal(response.status, 200);
                let open = true;
                response.text().catch(() => {}).finally(() => (open = false));
                await until(() => !open, "the stream to end");
                assert.equal(await status(soon), 401);
            });
        else
            await world.test("a token that was revoked is refused; without the server nobody's is called wrong", async () => {
                const revoked = await token();
                await provider.revoke(revoked);
                assert.equal(await status(revoked), 401);
                const unknown = await token();
                await provider.stop();
                assert.equal(await status(unknown), 503);
                await provider.start();
            });

        await world.test("no token is in the log", () => {
            const log = readFileSync(machine.log, "utf8");
            for (const one of tokens) assert.ok(!log.includes(one) && !log.includes(one.split(".").at(-1)));
            assert.match(log, /a token of the authorization server was refused/);
        });
    });

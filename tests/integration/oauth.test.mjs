// An application is connected by OAuth, each request by hand: from the challenge to a tool call, and back out again.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { McpClient, startWorld, until } from "../support/harness.mjs";
import { OAuthClient, manyRegistrations } from "../support/oauth-client.mjs";
import { Person } from "../support/person.mjs";

const json = async (url, options) => (await fetch(url, options)).json();
const parameters = (url) => Object.fromEntries(url.searchParams);

test("an application is connected by OAuth", async (t) => {
    const world = await startWorld(t, { hub: () => ({ serveArgs: manyRegistrations }) });
    const { hub } = world;
    const person = await Person.owner(hub);
    const secrets = [...person.browser.cookies.values(), person.password];
    const listMachines = (token) => new McpClient(hub.mcpUrl, token).call("list_machines");
    // What was found out about a token counts for a second.
    const untilRefused = (token) =>
        until(async () => {
            const { status, headers } = await new McpClient(hub.mcpUrl, token).post({ jsonrpc: "2.0", id: 1, method: "tools/list" });
            return status === 401 && headers.get("www-authenticate");
        }, "the token to be refused");
    const app = await OAuthClient.registered(hub.url, { client_name: "Notes" });
    const confidential = await OAuthClient.registered(hub.url, { client_name: "A web app", token_endpoint_auth_method: "client_secret_basic" });

    await world.test("the whole path: challenge, metadata, register, authorize, sign in, consent, token, call, refresh, revoke", async () => {
        const challenged = await new McpClient(hub.mcpUrl).post({ jsonrpc: "2.0", id: 1, method: "tools/list" });
        assert.equal(challenged.status, 401);
        const challenge = challenged.headers.get("www-authenticate");
        const [, metadataUrl] = /^Bearer resource_metadata="([^"]*)", scope="mcp:tools"$/.exec(challenge);
        const resource = await json(metadataUrl);
        assert.equal(resource.resource, hub.mcpUrl);
        assert.deepEqual(resource.authorization_servers, [hub.url]);
        const server = await json(`${resource.authorization_servers[0]}/.well-known/oauth-authorization-server`);
        assert.equal(server.issuer, hub.url);
        assert.deepEqual(server, await json(`${hub.url}/.well-known/openid-configuration`));

        const begun = app.begin();
        assert.ok(begun.url.startsWith(`${server.authorization_endpoint}?`));
        await person.signOut();
        const signIn = await person.browser.go(begun.url);
        assert.match(signIn.text, /<h1>Sign in<\/h1>/);
        const asked = await person.signIn(signIn);
        secrets.push(...person.browser.cookies.values());
        assert.match(asked.text, /<strong>Notes<\/strong> wants to use your machines/);
        assert.match(asked.text, /nobody has checked it/);
        assert.match(asked.text, /Your answer goes to <strong>app\.example\.com<\/strong>/);
        assert.match(asked.text, /In the workspace <strong>home<\/strong>/);
        const callback = await person.decide(asked);
        assert.equal(`${callback.origin}${callback.pathname}`, app.redirectUri);
        const { code, ...others } = parameters(callback);
        assert.deepEqual(others, { state: begun.state, iss: hub.url });

        const answer = await app.redeem(callback, begun);
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.headers.get("cache-control"), "no-store");
        const { access_token, refresh_token, ...told } = answer.body;
        assert.deepEqual(told, { token_type: "Bearer", expires_in: 3600, scope: "mcp:tools" });
        const { machines } = await listMachines(access_token);
        assert.deepEqual(machines.map((m) => m.name), ["m1"]);

        const next = await app.refresh(refresh_token);
        assert.equal(next.status, 200, next.text);
        assert.notEqual(next.body.refresh_token, refresh_token);
        await listMachines(next.body.access_token);
        const revoked = await app.revoke(next.body.refresh_token);
        assert.equal(revoked.status, 200, revoked.text);
        for (const token of [access_token, next.body.access_token]) assert.match(await untilRefused(token), /^Bearer .*error="invalid_token"/);
        assert.equal((await app.refresh(next.body.refresh_token)).body.error, "invalid_grant");
        secrets.push(code, begun.verifier, access_token, refresh_token, next.body.access_token, next.body.refresh_token);
    });

    await world.test("whoever refuses sends the application back without a code", async () => {
        const begun = app.begin({ prompt: "consent" });
        const { error_description, ...others } = parameters(await person.answer(begun.url, { allow: false }));
        assert.ok(error_description);
        assert.deepEqual(others, { error: "access_denied", state: begun.state, iss: hub.url });
    });

    await world.test("state comes back byte by byte, or not at all where none was sent", async () => {
        for (const state of ["a b+c%20&d=é\u{1F600}\"'<>", "x".repeat(2000)])
            for (const allow of [true, false]) assert.equal((await person.answer(app.begin({ state, prompt: "consent" }).url, { allow })).searchParams.get("state"), state);
        const callback = await person.answer(app.begin({ state: undefined }).url);
        assert.deepEqual([...callback.searchParams.keys()].sort(), ["code", "iss"]);
    });

    await world.test("what is wrong with a request is told to the application, with state and iss", async () => {
        const challenge = "a".repeat(43);
        for (const [error, bent] of [
            ["unsupported_response_type", { response_type: "token" }],
            ["unsupported_response_type", { response_type: "code id_token" }],
            ["invalid_request", { response_type: undefined }],
            ["invalid_request", { response_mode: "fragment" }],
            ["invalid_request", { response_mode: "form_post" }],
            ["invalid_request", { code_challenge: undefined }],
            ["invalid_request", { code_challenge: "short" }],
            ["invalid_request", { code_challenge: challenge, code_challenge_method: "plain" }],
            ["invalid_request", { code_challenge: challenge, code_challenge_method: undefined }],
            ["invalid_scope", { scope: "no such scope" }],
            ["invalid_scope", { scope: 'mcp:tools "' }],
            ["invalid_target", { resource: "https://elsewhere.example/mcp" }],
            ["invalid_target", { resource: `${hub.url}/other` }],
            ["invalid_target", { resource: `${hub.mcpUrl}?x` }],
            ["invalid_request", { prompt: "none login" }],
            ["request_not_supported", { request: "eyJ" }],
            ["request_uri_not_supported", { request_uri: "https://app.example.com/r" }],
        ]) {
            const begun = app.begin(bent);
            const { left, status } = await person.open(begun.url);
            assert.equal(status, 303, JSON.stringify(bent));
            assert.ok(`${left}`.startsWith(`${app.redirectUri}?`), `${left}`);
            const { error_description, ...others } = parameters(left);
            assert.deepEqual(others, { error, state: begun.state, iss: hub.url }, JSON.stringify(bent));
            assert.match(error_description, /\.$/);
        }
        for (const name of ["scope", "code_challenge", "resource"]) {
            const begun = app.begin({ scope: "mcp:tools" });
            const twice = new URL(begun.url);
            twice.searchParams.append(name, twice.searchParams.get(name));
            const { left } = await person.open(twice.href);
            assert.equal(left.searchParams.get("error"), name === "resource" ? "invalid_target" : "invalid_request", name);
        }
    });

    await world.test("prompt: none never shows a page, login asks for the password, consent always asks", async () => {
        const known = await OAuthClient.registered(hub.url);
        const errorOf = async (who, request) => (await who.open(request.url)).left?.searchParams.get("error");
        const stranger = new Person(hub, "nobody@example.org");
        assert.equal(await errorOf(stranger, known.begin({ prompt: "none" })), "login_required");
        assert.equal(await errorOf(person, known.begin({ prompt: "none" })), "consent_required");
        await person.answer(known.begin().url);
        const silent = await person.open(known.begin({ prompt: "none" }).url);
        assert.ok(silent.left?.searchParams.get("code"), "allowed before, so nobody is asked again");
        assert.ok((await person.open(known.begin().url)).left?.searchParams.get("code"));
        assert.equal((await person.open(known.begin({ prompt: "consent" }).url)).left, undefined);
        assert.equal(await errorOf(person, known.begin({ prompt: "none", scope: "mcp:tools workspace:admin" })), "consent_required");
        const again = await person.browser.go(known.begin({ prompt: "login" }).url);
        assert.match(again.text, /confirm that it is you/);
        const asked = await person.signIn(again);
        assert.ok((await person.decide(asked)).searchParams.get("code"));
    });

    await world.test("whoever answers on loopback is asked each time: another program could have come instead", async () => {
        const local = new OAuthClient(hub.url, { id: "codez-mcp", redirectUri: "http://127.0.0.1:43210/callback" });
        await local.tokens(person);
        const page = await person.open(local.begin().url);
        assert.equal(page.left, undefined);
        assert.match(page.text, /Any program on your computer can ask like this/);
    });

    await world.test("only what was ticked is granted", async () => {
        const { access_token, scope } = await app.tokens(person, { parameters: { prompt: "consent" }, scopes: ["machines:read", "sessions:read"] });
        assert.deepEqual(scope.split(" ").sort(), ["machines:read", "sessions:read"]);
        await listMachines(access_token);
        const { tools } = await new McpClient(hub.mcpUrl, access_token).rpc("tools/list");
        assert.ok(!tools.some((tool) => tool.name === "create_session"));
        const beyond = await new McpClient(hub.mcpUrl, access_token).post({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "create_session", arguments: { cwd: "/" } } });
        assert.equal(beyond.status, 403);
        const [, wanted] = /^Bearer error="insufficient_scope", scope="([^"]*)", resource_metadata="/.exec(beyond.headers.get("www-authenticate"));
        assert.deepEqual(wanted.split(" ").sort(), ["machines:read", "sessions:read", "sessions:write"], "what it has, and what it lacks");
        assert.equal(JSON.parse(beyond.text).error.data.code, "permission_denied");
    });

    await world.test("whose role is too small is told so, and not sent back to ask for what nobody can allow", async () => {
        const { link } = await hub.admin("invite", "--workspace", "home", "--email", "vera@example.org", "--role", "viewer");
        const viewer = new Person(hub, "vera@example.org");
        await viewer.comeBy(link, { name: "Vera" });
        const { access_token } = await app.tokens(viewer);
        await listMachines(access_token);
        await assert.rejects(new McpClient(hub.mcpUrl, access_token).call("create_session", { cwd: "/" }), { code: "permission_denied" });
    });

    await world.test("what was allowed is listed, and ends when it is withdrawn", async () => {
        const doomed = await OAuthClient.registered(hub.url, { client_name: "To be withdrawn" });
        const { access_token, refresh_token } = await doomed.tokens(person);
        await listMachines(access_token);
        const page = await person.browser.go("/connections");
        assert.match(page.text, /<h2>To be withdrawn<\/h2>/);
        const [, grant] = /<h2>To be withdrawn[\s\S]*?name="grant" value="([^"]*)"/.exec(page.text);
        const form = page.forms.find((one) => one.fields.grant === grant).fields;
        const post = (headers, fields = form) => person.browser.request("/connections", { form: fields, headers });
        for (const headers of [{ Origin: "https://evil.example" }, { Origin: null }, { "Content-Type": "text/plain" }]) assert.equal((await post(headers)).status, 403, JSON.stringify(headers));
        assert.equal((await post({}, { ...form, form_token: "" })).status, 403);
        await person.browser.go(`/connections?${new URLSearchParams(form)}`);
        await listMachines(access_token);
        const after = await post();
        assert.match(after.text, /It has no access any more/);
        assert.doesNotMatch(after.text, /<h2>To be withdrawn/);
        await untilRefused(access_token);
        assert.equal((await doomed.refresh(refresh_token)).body.error, "invalid_grant");
        assert.equal((await post()).status, 400, "once");
    });

    await world.test("open endpoints can be read by pages of any origin, the others by none", async () => {
        const origin = "https://app.example.com";
        const open = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource/mcp/", "/jwks", "/token", "/register", "/revoke", "/introspect", "/userinfo"];
        const closed = ["/authorize", "/consent", "/connections", "/device", "/sign-in", "/account", "/mcp"];
        const preflight = { Origin: origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,authorization,mcp-protocol-version" };
        for (const path of [...open, ...closed])
            for (const [method, headers] of [["GET", { Origin: origin }], ["POST", { Origin: origin }], ["OPTIONS", preflight]]) {
                const answer = await fetch(`${hub.url}${path}`, { method, headers });
                const allowed = open.includes(path);
                assert.equal(answer.headers.get("access-control-allow-origin"), allowed ? "*" : null, `${method} ${path}`);
                assert.equal(answer.headers.get("access-control-allow-credentials"), null, `${method} ${path}`);
                if (!allowed) assert.equal(answer.status, 403, `${method} ${path}`);
                if (allowed && method === "OPTIONS") {
                    assert.equal(answer.status, 204, path);
                    assert.match(answer.headers.get("access-control-allow-headers"), /mcp-protocol-version/i, path);
                }
            }
    });

    await world.test("a client with a secret proves it, in one of two ways", async () => {
        for (const inForm of [true, false]) {
            const begun = confidential.begin();
            const callback = await person.answer(begun.url);
            const basicOf = (secret) => `Basic ${Buffer.from(`${confidential.id}:${secret}`).toString("base64")}`;
            const basic = basicOf(confidential.secret);
            const withSecret = (secret, authorization) => confidential.post("/token", { grant_type: "authorization_code", client_id: confidential.id, client_secret: secret, code: callback.searchParams.get("code"), redirect_uri: begun.redirectUri, code_verifier: begun.verifier }, authorization && { authorization });
            for (const answer of [await withSecret(), await withSecret("wrong"), await withSecret(undefined, basicOf("wrong"))]) {
                assert.equal(answer.status, 401);
                assert.equal(answer.body.error, "invalid_client");
                assert.match(answer.headers.get("www-authenticate"), /^Basic/);
            }
            assert.equal((await withSecret(confidential.secret, basic)).body.error, "invalid_request", "both ways at once");
            const { body } = await (inForm ? withSecret(confidential.secret) : withSecret(undefined, basic));
            assert.equal(body.token_type, "Bearer", JSON.stringify(body));
            const told = await confidential.post("/introspect", { client_id: confidential.id, client_secret: confidential.secret, token: body.access_token });
            assert.equal(told.body.active, true);
            assert.equal(told.body.aud, hub.mcpUrl);
            assert.deepEqual((await app.post("/introspect", { client_id: app.id, token: body.access_token })).body, { active: false });
            secrets.push(body.access_token, body.refresh_token);
        }
    });

    await world.test("no token, code, verifier or password is in the hub's log or database", async () => {
        secrets.push(app.secret, confidential.secret);
        const { api_key } = hub.credentials;
        const files = [hub.log, ...readdirSync(hub.data).map((name) => join(hub.data, name))];
        assert.ok(files.some((file) => file.endsWith("hub.db")));
        for (const file of files) {
            const bytes = readFileSync(file);
            for (const secret of [...secrets, api_key].filter(Boolean)) assert.ok(!bytes.includes(secret), `${secret.slice(0, 8)}… is in ${file}`);
        }
    });
});

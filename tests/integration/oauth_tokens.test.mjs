// What codes and tokens are good for, how often, for whom and how long. No machine.

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";

import { McpClient, startWorld, until } from "../support/harness.mjs";
import { OAuthClient, manyRegistrations, pkce } from "../support/oauth-client.mjs";
import { Person } from "../support/person.mjs";

test("codes and tokens", async (t) => {
    const world = await startWorld(t, { machines: 0, hub: () => ({ serveArgs: manyRegistrations }) });
    const { hub } = world;
    const person = await Person.owner(hub);
    const app = await OAuthClient.registered(hub.url, { client_name: "Notes" });
    const other = await OAuthClient.registered(hub.url, { client_name: "Another" });
    const statusOf = async (token) => (await new McpClient(hub.mcpUrl, token).post({ jsonrpc: "2.0", id: 1, method: "tools/list" })).status;
    const untilRefused = (token) => until(async () => (await statusOf(token)) === 401, "the token to be refused");
    const codeFor = async (client = app, parameters) => {
        const begun = client.begin(parameters);
        return { begun, callback: await person.answer(begun.url) };
    };
    const assertInvalidGrant = (answer, what) => {
        assert.equal(answer.status, 400, `${what}: ${answer.text}`);
        assert.equal(answer.body.error, "invalid_grant", what);
    };
    // Time goes by for what the database keeps.
    const alter = (sql) => {
        const database = new DatabaseSync(join(hub.data, "hub.db"));
        database.exec(`PRAGMA busy_timeout = 5000; ${sql}`);
        database.close();
    };

    await world.test("who signed in long ago proves who they are before they give dangerous access", async () => {
        alter("UPDATE web_sessions SET authenticated_at = authenticated_at - 600001");
        const asks = async (scope) => (await person.browser.go(app.begin({ scope, prompt: "consent" }).url)).forms.map((form) => form.action);
        assert.ok((await asks("sessions:read")).includes("/consent"), "not to look on");
        for (const scope of ["mcp:tools", "permissions:respond", "workspace:admin"]) assert.deepEqual(await asks(scope), ["/sign-in"], scope);
        const page = await person.browser.go(app.begin().url);
        assert.ok((await person.signIn(page)).forms.some((form) => form.action === "/consent"), "then they are asked");
    });

    await world.test("a code is good once; whoever brings it again ends what it gave", async () => {
        const { begun, callback } = await codeFor();
        const { body } = await app.redeem(callback, begun);
        assert.equal(await statusOf(body.access_token), 200);
        assertInvalidGrant(await app.redeem(callback, begun), "again");
        await untilRefused(body.access_token);
        assertInvalidGrant(await app.refresh(body.refresh_token), "its refresh token");
    });

    await world.test("of many who bring one code at once, one gets tokens at most, and they end", async () => {
        const { begun, callback } = await codeFor();
        const answers = await Promise.all(Array.from({ length: 8 }, () => app.redeem(callback, begun)));
        const good = answers.filter((one) => one.status === 200);
        assert.equal(good.length, 1, answers.map((one) => one.text).join());
        await untilRefused(good[0].body.access_token);
    });

    await world.test("a code is for its client, its redirect URI and its verifier; the right ones still work after", async () => {
        const { begun, callback } = await codeFor();
        assertInvalidGrant(await other.redeem(callback, begun), "another client");
        assertInvalidGrant(await app.redeem(callback, begun, { redirect_uri: "https://app.example.com/callback/" }), "another redirect URI");
        assertInvalidGrant(await app.redeem(callback, begun, { code_verifier: pkce().verifier }), "another verifier");
        assertInvalidGrant(await app.redeem(callback, begun, { code_verifier: "short" }), "a short verifier");
        assertInvalidGrant(await app.redeem(callback, begun, { code: `czo_${"a".repeat(43)}` }), "a made-up code");
        for (const name of ["code", "redirect_uri", "code_verifier", "client_id", "grant_type"]) {
            const { status, body } = await app.redeem(callback, begun, { [name]: undefined });
            assert.equal(status, 400, name);
            assert.equal(body.error, "invalid_request", name);
        }
        const target = await app.redeem(callback, begun, { resource: "https://elsewhere.example/mcp" });
        assert.equal(target.body.error, "invalid_target");
        assert.equal((await app.redeem(callback, begun)).status, 200);
    });

    await world.test("a code is good for a minute", async () => {
        const { begun, callback } = await codeFor();
        alter("UPDATE authorization_codes SET created_at = created_at - 60000");
        assertInvalidGrant(await app.redeem(callback, begun), "late");
    });

    await world.test("an access token is good for an hour", async () => {
        const { access_token, expires_in } = await app.tokens(person);
        assert.equal(expires_in, 3600);
        assert.equal(await statusOf(access_token), 200);
        alter("UPDATE access_tokens SET issued_at = issued_at - 3600000, expires_at = expires_at - 3600000");
        await untilRefused(access_token);
    });

    await world.test("several processes of a client refresh with one token at once: each gets a pair, all of them work", async () => {
        const { refresh_token } = await app.tokens(person);
        const answers = await Promise.all(Array.from({ length: 8 }, () => app.refresh(refresh_token)));
        assert.deepEqual(answers.map((one) => one.status), Array(8).fill(200));
        assert.equal(new Set(answers.flatMap(({ body }) => [body.access_token, body.refresh_token])).size, 16);
        for (const { body } of answers) assert.equal(await statusOf(body.access_token), 200);
        for (const { body } of answers) assert.equal((await app.refresh(body.refresh_token)).status, 200);
    });

    await world.test("after the grace a used refresh token ends all that came of it, once more than ten times too", async () => {
        const late = await app.tokens(person);
        const next = (await app.refresh(late.refresh_token)).body;
        alter("UPDATE refresh_tokens SET superseded_at = superseded_at - 121000");
        assertInvalidGrant(await app.refresh(late.refresh_token), "late");
        assertInvalidGrant(await app.refresh(next.refresh_token), "the one that came of it");
        await untilRefused(next.access_token);

        const often = await app.tokens(person);
        const statuses = [];
        for (let i = 0; i < 13; ++i) statuses.push((await app.refresh(often.refresh_token)).status);
        assert.deepEqual(statuses, [...Array(11).fill(200), 400, 400]);
        await untilRefused(often.access_token);
        const { entries } = await hub.admin("audit", "--workspace", "home");
        assert.equal(entries.filter((entry) => entry.action === "grant.refresh_reused").length, 2);
    });

    await world.test("a thief and the client race for one refresh token: after the grace nobody has anything", async () => {
        const { refresh_token } = await app.tokens(person);
        const [mine, stolen] = await Promise.all([app.refresh(refresh_token), app.refresh(refresh_token)]);
        alter("UPDATE refresh_tokens SET superseded_at = superseded_at - 121000");
        assertInvalidGrant(await app.refresh(refresh_token), "once more");
        for (const { body } of [mine, stolen]) {
            assertInvalidGrant(await app.refresh(body.refresh_token), "a pair of it");
            await untilRefused(body.access_token);
        }
    });

    await world.test("two clients race for codes and tokens and never get the other's", async () => {
        const [one, two] = await Promise.all([codeFor(app), codeFor(other)]);
        const crossed = await Promise.all([app.redeem(two.callback, two.begun), other.redeem(one.callback, one.begun), app.redeem(one.callback, one.begun), other.redeem(two.callback, two.begun)]);
        assert.deepEqual(crossed.map((answer) => answer.status), [400, 400, 200, 200]);
        const [mine, theirs] = crossed.slice(2).map((answer) => answer.body);
        assertInvalidGrant(await other.refresh(mine.refresh_token), "another client's refresh token");
        assert.equal((await other.revoke(mine.access_token)).status, 200);
        assert.equal(await statusOf(mine.access_token), 200, "revoked by nobody but its own client");
        assert.equal((await app.revoke(mine.access_token)).status, 200);
        await untilRefused(mine.access_token);
        assert.equal(await statusOf(theirs.access_token), 200);
    });

    await world.test("refreshing may narrow, never widen; without a scope it gives all that is granted", async () => {
        const { refresh_token } = await app.tokens(person, { parameters: { prompt: "consent" }, scopes: ["machines:read", "sessions:read"] });
        const narrow = (await app.refresh(refresh_token, { scope: "machines:read" })).body;
        assert.equal(narrow.scope, "machines:read");
        for (const scope of ["sessions:write", "mcp:tools", "machines:read workspace:admin"]) assert.equal((await app.refresh(narrow.refresh_token, { scope })).body.error, "invalid_scope", scope);
        const whole = (await app.refresh(narrow.refresh_token)).body;
        assert.deepEqual(whole.scope.split(" ").sort(), ["machines:read", "sessions:read"]);
        // A wider consent for the same application is what the next refresh gives.
        await app.tokens(person, { parameters: { prompt: "consent" } });
        assert.equal((await app.refresh(whole.refresh_token)).body.scope, "mcp:tools");
    });

    await world.test("what is no token of the hub's gets 401, whatever it looks like", async () => {
        const { access_token, refresh_token } = await app.tokens(person);
        const { begun, callback } = await codeFor();
        const jwt = `${btoa('{"alg":"none"}')}.${btoa(JSON.stringify({ aud: hub.mcpUrl }))}.`.replaceAll("=", "");
        for (const token of [refresh_token, callback.searchParams.get("code"), begun.verifier, access_token.slice(0, -1), `${access_token}a`, access_token.toUpperCase(), `cza_${"a".repeat(40)}`, jwt, "x"])
            assert.equal(await statusOf(token), 401, token.slice(0, 6));
        const inQuery = await fetch(`${hub.mcpUrl}?access_token=${access_token}`, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
        assert.equal(inQuery.status, 401, "never in a URL");
    });

    await world.test("the token endpoint takes forms by POST only, and each parameter once", async () => {
        const fields = { grant_type: "refresh_token", client_id: app.id, refresh_token: "x" };
        assert.equal((await app.post("/token", JSON.stringify(fields), { "content-type": "application/json" })).body.error, "invalid_request");
        assert.equal((await app.post("/token", `${new URLSearchParams(fields)}&client_id=${other.id}`)).body.error, "invalid_request");
        assert.equal((await fetch(`${hub.url}/token?${new URLSearchParams(fields)}`)).status, 405);
        for (const grant_type of ["password", "client_credentials", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer"]) assert.equal((await app.post("/token", { ...fields, grant_type, username: "ada", password: "x" })).body.error, "unsupported_grant_type", grant_type);
        const unknown = await app.post("/token", { ...fields, client_id: "c_gone" });
        assert.equal(unknown.status, 401);
        assert.equal(unknown.body.error, "invalid_client", "which tells a client to register again");
    });
});

// What others try on the way to a grant: the checks of RFC 9700 by their sections, foreign forms, pages and names that
// would run as script. No machine.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Browser } from "../support/browser.mjs";
import { McpClient, startWorld } from "../support/harness.mjs";
import { OAuthClient, manyRegistrations, pkce } from "../support/oauth-client.mjs";
import { Person } from "../support/person.mjs";

const evil = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>\u202e`;

/** No text of strangers has become markup. */
function assertNoMarkup({ text }, what) {
    assert.doesNotMatch(text, /<script|<img|javascript:|<[^>]* on\w+=/i, what);
    assert.doesNotMatch(text, /\u202e/, what);
}

test("attacks on authorization", async (t) => {
    const world = await startWorld(t, { machines: 0, hub: () => ({ serveArgs: manyRegistrations }) });
    const { hub } = world;
    const person = await Person.owner(hub);
    const app = await OAuthClient.registered(hub.url, { client_name: "Notes", redirect_uris: ["https://app.example.com/callback", "https://app.example.com/other?a=b", "http://127.0.0.1/callback", "http://localhost:1234/callback", "cursor://anysphere.cursor-mcp/oauth"] });
    const ask = { prompt: "consent" };
    const consentPage = async (client = app, parameters = ask) => person.open(client.begin(parameters).url);
    const consentForm = (page) => page.forms.find((form) => form.action === "/consent").fields;
    /** A page, and never a redirect. */
    const assertShown = async (url, what) => {
        const page = await person.browser.request(url);
        assert.equal(page.status, 400, `${what}: ${page.status} ${page.headers.get("location")}`);
        assert.equal(page.headers.get("location"), null, what);
        assert.match(page.text, /cannot be connected/, what);
        assertNoMarkup(page, what);
    };

    await world.test("RFC 9700 2.1, 4.1: a redirect URI must be the registered one, character by character", async () => {
        for (const wrong of [
            "https://app.example.com/callback/", "https://app.example.com/callback2", "https://app.example.com/Callback", "https://app.example.com/", "https://app.example.com",
            "https://app.example.com/callback?x=1", "https://app.example.com/callback#x", "https://app.example.com/other", "https://app.example.com/other?a=c",
            "https://app.example.com:443/callback", "https://app.example.com:8443/callback", "https://APP.example.com/callback", "http://app.example.com/callback", "HTTPS://app.example.com/callback",
            "https://app.example.com//callback", "https://app.example.com/%63allback", "https://app.example.com/x/../callback", "https://app.example.com%2fcallback", "https://app.example.com/callback%2f",
            "https://app.example.com.evil.example/callback", "https://evil.example/callback", "https://app.example.com@evil.example/callback", "https://evil.example\\@app.example.com/callback", "https://user@app.example.com/callback",
            "//app.example.com/callback", "/callback", "javascript:alert(1)", "data:text/html,x", " https://app.example.com/callback", "https://app.example.com/callback\n", "https://app.example.com/callback\u0000", "",
            "http://127.0.0.1/callback2", "http://127.0.0.1:1/callback?x", "http://127.0.0.2/callback", "http://127.0.0.1.evil.example/callback", "http://127.0.0.1:80@evil.example/callback", "http://[::1]/callback", "https://127.0.0.1/callback", "http://localhost.evil.example:1234/callback", "http://2130706433/callback",
            "cursor://anysphere.cursor-mcp/oauth/", "cursor://evil/oauth", "vscode://anysphere.cursor-mcp/oauth",
        ])
            await assertShown(app.begin({ redirect_uri: wrong }).url, JSON.stringify(wrong));
        await assertShown(app.begin({ redirect_uri: undefined }).url, "none");
        await assertShown(`${app.begin().url}&redirect_uri=${encodeURIComponent(app.redirectUri)}`, "two");
        await assertShown(app.begin({ client_id: "c_unknown" }).url, "an unknown client");
        await assertShown(app.begin({ client_id: evil }).url, "a client's id with markup");
        await assertShown(`${app.begin().url}&client_id=${app.id}`, "two clients");
        for (const right of ["https://app.example.com/other?a=b", "http://127.0.0.1:5555/callback", "http://localhost:9/callback", "cursor://anysphere.cursor-mcp/oauth"]) {
            const callback = await person.answer(app.begin({ ...ask, redirect_uri: right }).url);
            assert.ok(callback.href.startsWith(right) && callback.searchParams.get("code"), callback.href);
        }
    });

    await world.test("RFC 9700 2.1: no redirect URI is registered that a browser would run, or that anybody could read", async () => {
        for (const uri of ["javascript:alert(1)", "data:text/html,x", "http://app.example.com/callback", "https://app.example.com/#x", "https://*.example.com/callback", "https://u:p@app.example.com/", "file:///etc/passwd", "/callback", "", "https://", "blob:https://app.example.com/x"]) {
            const { status, body } = await app.register({ redirect_uris: [uri] });
            assert.equal(status, 400, uri);
            assert.equal(body.error, "invalid_redirect_uri", uri);
        }
    });

    await world.test("RFC 9700 2.1.1, 4.5, 4.8: no code without PKCE, and none that is redeemed without it", async () => {
        const bare = (await person.open(app.begin({ code_challenge: undefined, code_challenge_method: undefined }).url)).left;
        assert.equal(bare.searchParams.get("error"), "invalid_request");
        assert.equal(bare.searchParams.get("code"), null);
        const begun = app.begin(ask);
        const callback = await person.answer(begun.url);
        assert.equal((await app.redeem(callback, begun, { code_verifier: undefined })).status, 400);
        assert.equal((await app.redeem(callback, begun, { code_verifier: pkce().challenge })).status, 400);
        assert.equal((await app.redeem(callback, begun, { code_verifier: "" })).status, 400);
    });

    await world.test("RFC 9700 2.1.2, 2.4: no implicit grant, no passwords of people", async () => {
        for (const response_type of ["token", "id_token", "code token"]) {
            const { left } = await person.open(app.begin({ response_type }).url);
            assert.equal(left.searchParams.get("error"), "unsupported_response_type");
            assert.equal(left.hash, "");
        }
        const answer = await app.post("/token", { grant_type: "password", client_id: app.id, username: person.email, password: person.password });
        assert.equal(answer.body.error, "unsupported_grant_type");
    });

    await world.test("RFC 9700 4.2, 4.3: no page tells another where it came from, nothing is kept in caches", async () => {
        const page = await consentPage();
        const redirect = await person.browser.request(app.begin().url);
        for (const answer of [page, redirect]) {
            assert.equal(answer.headers.get("referrer-policy"), "same-origin");
            assert.equal(answer.headers.get("cache-control"), "no-store");
        }
    });

    await world.test("RFC 9700 4.4: every answer names its issuer, as the metadata does", async () => {
        const metadata = await (await fetch(`${hub.url}/.well-known/oauth-authorization-server`)).json();
        assert.equal(metadata.authorization_response_iss_parameter_supported, true);
        for (const url of [(await person.open(app.begin({ scope: "none" }).url)).left, await person.answer(app.begin(ask).url), await person.answer(app.begin(ask).url, { allow: false })]) assert.deepEqual(url.searchParams.getAll("iss"), [metadata.issuer]);
    });

    await world.test("RFC 9700 4.7: a form of another page decides nothing, and reading decides nothing", async () => {
        const fields = { ...consentForm(await consentPage()), decision: "allow" };
        const attacks = [
            { headers: { Origin: "https://evil.example" } },
            { headers: { Origin: "null" } },
            { headers: { Origin: `http://127.0.0.1:${hub.port + 1}` } },
            { headers: { Origin: null } },
            { headers: { Origin: null, "Sec-Fetch-Site": "cross-site" } },
            { headers: { Origin: null, "Sec-Fetch-Site": "same-site" } },
            { headers: { "Content-Type": "text/plain" } },
            { fields: { ...fields, form_token: "" } },
            { fields: { ...fields, form_token: "A".repeat(43) } },
            { fields: Object.fromEntries(Object.entries(fields).filter(([name]) => name !== "form_token")) },
            { fields: { ...fields, form_token: (await new Browser(hub.url).go("/sign-in")).forms[0].fields.form_token } },
        ];
        for (const attack of attacks)
            for (const decision of ["allow", "refuse"]) {
                const answer = await person.browser.request("/consent", { form: { ...(attack.fields ?? fields), decision }, headers: attack.headers });
                assert.equal(answer.status, 403, JSON.stringify(attack));
                assert.equal(answer.headers.get("location"), null);
            }
        const read = await person.browser.request(`/consent?${new URLSearchParams(fields)}`);
        assert.equal(read.headers.get("location"), null, "a GET shows the page again");
        const stranger = new Browser(hub.url);
        const signedOut = await stranger.request("/consent", { form: fields });
        assert.match(signedOut.headers.get("location") ?? "", /^\/sign-in/);
        const page = await person.browser.request(`/consent?request=${fields.request}`);
        assert.ok((await person.decide(page)).searchParams.get("code"), "it is still undecided");
        assert.equal((await person.browser.request("/consent", { form: { ...fields, form_token: consentForm(page).form_token } })).status, 400, "and cannot be decided twice");
    });

    await world.test("RFC 9700 4.7: another person's form does not count for this one", async () => {
        const { link } = await hub.admin("invite", "--workspace", "home", "--email", "bob@example.org", "--role", "viewer");
        const bob = new Person(hub, "bob@example.org");
        await bob.comeBy(link, { name: "Bob", email: "bob@example.org" });
        const theirs = consentForm(await consentPage());
        const own = consentForm(await bob.open(app.begin(ask).url));
        assert.equal((await bob.browser.request("/consent", { form: { ...theirs, decision: "allow" } })).status, 403);
        const wide = await bob.browser.request("/consent", { form: { ...own, decision: "allow", workspace: "w_other" } });
        assert.equal(wide.headers.get("location"), null, "no workspace but one's own");
        const granted = await bob.answer(app.begin({ ...ask, scope: "mcp:tools workspace:admin machines:admin" }).url, { scopes: ["sessions:write", "workspace:admin", "machines:read"] });
        assert.ok(granted.searchParams.get("code"));
    });

    await world.test("RFC 9700 4.9, 2.3: a token for another resource is none here, and none is asked for", async () => {
        for (const resource of ["https://mcp.example.com/mcp", `${hub.url}.evil.example/mcp`, `${hub.url}@evil.example/mcp`, hub.mcpUrl.replace("http:", "https:")]) {
            const { left } = await person.open(app.begin({ resource }).url);
            assert.equal(left.searchParams.get("error"), "invalid_target", resource);
        }
    });

    await world.test("RFC 9700 4.11: the hub redirects nowhere but to registered URIs", async () => {
        for (const path of [`/consent?request=x&redirect_uri=https://evil.example`, `/consent?continue=https://evil.example`, `/authorize?redirect_uri=https://evil.example`, "/authorize", "/authorize?client_id=%zz", `/sign-in?continue=${encodeURIComponent("//evil.example")}`]) {
            const { headers, status } = await person.browser.request(path);
            const to = new URL(headers.get("location") ?? "/", hub.url);
            assert.equal(to.origin, hub.url, path);
            assert.ok(status >= 400 || path.startsWith("/sign-in"), path);
        }
        // Nothing that a form says changes where the answer goes.
        const page = await consentPage();
        const form = { ...consentForm(page), decision: "allow", redirect_uri: "https://evil.example/", client_id: "codez-mcp", state: "other" };
        const { headers } = await person.browser.request("/consent", { form });
        assert.ok(headers.get("location").startsWith(`${app.redirectUri}?code=`), headers.get("location"));
        assert.doesNotMatch(headers.get("location"), /evil|state=other/);
    });

    await world.test("RFC 9700 4.12: 303 only, so that no form is sent on", async () => {
        const form = { ...consentForm(await consentPage()), decision: "allow" };
        assert.equal((await person.browser.request("/consent", { form })).status, 303);
        assert.equal((await person.browser.request("/authorize", { form: Object.fromEntries(new URL(app.begin().url).searchParams) })).status, 405);
    });

    await world.test("RFC 9700 4.15: a client chooses neither its id nor whose name it bears", async () => {
        const { body } = await app.register({ client_id: "codez-mcp", client_secret: "mine", sub: "ada", client_name: "Mine" });
        assert.notEqual(body.client_id, "codez-mcp");
        assert.notEqual(body.client_secret, "mine");
    });

    await world.test("RFC 9700 4.16, 4.17: no page can be framed, runs script or posts messages", async () => {
        const pages = { consent: await consentPage(), error: await person.browser.request("/authorize"), over: await person.browser.request("/consent?request=ar_gone"), method: await person.browser.request("/authorize", { method: "PUT" }) };
        for (const [name, { headers, text }] of Object.entries(pages)) {
            assert.match(headers.get("content-security-policy"), /^default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'( \S+)?; frame-ancestors 'none'; base-uri 'none'$/, name);
            assert.equal(headers.get("x-frame-options"), "DENY", name);
            assert.equal(headers.get("x-content-type-options"), "nosniff", name);
            assert.equal(headers.get("cross-origin-opener-policy"), "same-origin", name);
            assert.equal(headers.get("cache-control"), "no-store", name);
            assert.match(headers.get("content-type"), /^text\/html; charset=utf-8$/, name);
            assert.doesNotMatch(text, /<script|style=|postMessage/, name);
        }
        assert.match(pages.consent.headers.get("content-security-policy"), /form-action 'self' https:\/\/app\.example\.com;/);
    });

    await world.test("names, states and URIs stay text", async () => {
        const named = await OAuthClient.registered(hub.url, { client_name: evil, redirectUri: `https://app.example.com/callback?${encodeURIComponent(evil)}='` });
        const state = `${evil}\r\nLocation: https://evil.example`;
        const page = await consentPage(named, { ...ask, state });
        assert.match(page.text, /&lt;script&gt;alert\(1\)/);
        assertNoMarkup(page, "the page that asks");
        const callback = await person.decide(page);
        assert.equal(callback.searchParams.get("state"), state);
        assert.ok(callback.href.startsWith("https://app.example.com/callback?%3Cscript"));
        for (const uri of ["https://app.example.com/;script-src 'unsafe-inline'", "https://app.example.com/ x", `https://app.example.com/${evil}`]) assert.equal((await app.register({ redirect_uris: [uri] })).status, 400, uri);
        for (const host of ["https://a.example;script-src%20*/cb", "https://a.example,b.example/cb", "https://a.example'/cb"]) {
            const { status, body } = await app.register({ redirect_uris: [host] });
            if (status !== 201) continue;
            const odd = new OAuthClient(hub.url, { id: body.client_id, redirectUri: host });
            const policy = (await consentPage(odd)).headers.get("content-security-policy");
            assert.match(policy, /form-action 'self'( https:\/\/[\w.%-]+)?; frame-ancestors 'none'; base-uri 'none'$/, host);
        }
        await app.register({ client_name: `line\r\n{"level":"fatal"}${evil}` });
        assert.doesNotMatch(readFileSync(hub.log, "utf8"), /fatal|<script/);
    });
});

test("what MCPAuthKit lets happen does not happen here", async (t) => {
    const world = await startWorld(t, { machines: 0, hub: () => ({ serveArgs: manyRegistrations }) });
    const { hub } = world;
    const person = await Person.owner(hub);
    const app = await OAuthClient.registered(hub.url);

    await world.test("refresh tokens are rotated", async () => {
        const { refresh_token } = await app.tokens(person);
        assert.notEqual((await app.refresh(refresh_token)).body.refresh_token, refresh_token);
    });

    await world.test("a missing code_challenge is noticed before anybody signs in", async () => {
        const { left } = await new Browser(hub.url).go(app.begin({ code_challenge: undefined }).url, { away: true });
        assert.equal(left.searchParams.get("error"), "invalid_request");
    });

    await world.test("revoking needs the client", async () => {
        const { access_token } = await app.tokens(person);
        for (const client_id of [undefined, "c_unknown", "codez-mcp"]) await app.revoke(access_token, { client_id });
        await new McpClient(hub.mcpUrl, access_token).call("list_machines");
        assert.equal((await app.revoke("cza_unknown")).status, 200, "an unknown token is nothing to do");
    });

    await world.test("one sign-in with many guesses is throttled", async () => {
        const guess = async () => {
            const browser = new Browser(hub.url);
            return (await browser.submit(await browser.go("/sign-in"), { email: person.email, password: "not the password" })).status;
        };
        const statuses = [];
        for (let i = 0; i < 7; ++i) statuses.push(await guess());
        assert.equal(statuses.at(-1), 429, statuses.join());
    });

    await world.test("URLs come from the hub's own, never from the request's Host", async () => {
        for (const headers of [{ "X-Forwarded-Host": "evil.example" }, { Forwarded: "host=evil.example" }, { "X-Forwarded-Proto": "https" }])
            for (const path of ["/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/mcp"]) assert.doesNotMatch(await (await fetch(hub.url + path, { headers })).text(), /evil|https:/);
    });

    await world.test("who a token is for is told to nobody but its bearer, and its audience is one hub's", async () => {
        const { access_token } = await app.tokens(person);
        const told = await (await fetch(`${hub.url}/userinfo`, { headers: { authorization: `Bearer ${access_token}` } })).json();
        assert.equal(told.email, person.email);
        assert.equal((await fetch(`${hub.url}/userinfo`)).status, 401);
        assert.equal((await fetch(`${hub.url}/userinfo?access_token=${access_token}`)).status, 401);
    });
});

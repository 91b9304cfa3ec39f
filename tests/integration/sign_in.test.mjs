// People sign in in a browser: links, passwords, sessions, and what strangers try. No machine.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Browser } from "../support/browser.mjs";
import { startWorld } from "../support/harness.mjs";

const password = "correct horse battery";
const evil = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>`;

test("people sign in", async (t) => {
    // The test's proxy is trusted, so that each browser has an address of its own.
    const world = await startWorld(t, { machines: 0, hub: () => ({ serveArgs: ["--trusted-proxy", "127.0.0.0/8"] }) });
    const { hub } = world;
    let browsers = 0;
    const browser = (address = `192.0.2.${++browsers}`) => new Browser(hub.url, { address });
    const secrets = [password];
    const sessionOf = (one) => one.cookies.get(`codez_${hub.port}`);
    const signIn = async (one, email, secret, path = "/sign-in") => one.submit(await one.go(path), { email, password: secret });
    const linkFor = async (...args) => {
        const { link } = await hub.admin(...args);
        secrets.push(new URL(link, hub.url).searchParams.get("link"));
        return link;
    };
    const isSignedIn = async (one) => (await one.request("/account")).status === 200;
    const ada = browser();

    await world.test("the owner's link sets address and password, once", async () => {
        const link = hub.credentials.sign_in_link;
        secrets.push(link.split("=")[1]);
        assert.match(link, /^\/welcome\?link=czl_[a-z0-9]{40}$/);
        for (let i = 0; i < 3; ++i) assert.equal((await browser().go(link)).status, 200, "looking uses nothing up");
        const page = await ada.go(link);
        assert.match(page.text, /You are <strong>ada<\/strong>/);
        const typed = { email: "ada@example.org", new_password: password, repeated_password: password };
        for (const [wrong, sentence] of [
            [{ new_password: "short", repeated_password: "short" }, /at least 12/],
            [{ repeated_password: "correct horse batterx" }, /not the same/],
            [{ email: "nobody" }, /no e-mail address/],
        ]) {
            const refused = await ada.submit(page, { ...typed, ...wrong });
            assert.equal(refused.status, 400);
            assert.match(refused.text, sentence);
            assert.ok(!refused.text.includes(wrong.new_password ?? password), "a password is never shown again");
        }
        const inside = await ada.submit(page, typed);
        assert.equal(inside.status, 200);
        assert.equal(ada.at.pathname, "/account");
        assert.match(inside.text, /<dd>ada<\/dd>[\s\S]*<dd>ada@example.org<\/dd>[\s\S]*<dd>home \(owner\)<\/dd>/);
        const again = await browser().go(link);
        assert.equal(again.status, 404);
        assert.match(again.text, /used already, or it is too old/);
        assert.equal((await ada.submit(page, typed)).status, 404);
    });

    await world.test("who signs out is out, also with the old cookie", async () => {
        const cookies = new Map(ada.cookies);
        const page = await ada.go("/account");
        const out = await ada.submit(page, {}, { action: "/sign-out" });
        assert.equal(ada.at.pathname, "/sign-in");
        assert.match(out.text, /<h1>Sign in<\/h1>/);
        assert.equal(sessionOf(ada), undefined);
        const thief = browser();
        thief.cookies = cookies;
        assert.equal(await isSignedIn(thief), false);
        assert.equal((await thief.request("/account")).headers.get("location"), "/sign-in?continue=%2Faccount");
    });

    await world.test("a password signs in, with a session that nobody could know before", async () => {
        const planted = "A".repeat(43);
        ada.cookies.set(`codez_${hub.port}`, planted);
        const inside = await signIn(ada, "Ada@Example.ORG", password);
        assert.match(inside.text, /<h1>Your account<\/h1>/);
        const first = sessionOf(ada);
        assert.match(first, /^[\w-]{43}$/);
        assert.notEqual(first, planted);
        assert.equal((await ada.request("/sign-in")).headers.get("location"), "/account", "no need to");
        await ada.submit(await ada.go("/sign-in?again=1"), { email: "ada@example.org", password });
        assert.notEqual(sessionOf(ada), first, "and a new one each time");
        const thief = browser();
        thief.cookies.set(`codez_${hub.port}`, first);
        assert.equal(await isSignedIn(thief), false, "the one before has ended");
        const { cookies } = await ada.request("/sign-in", { form: { ...(await ada.go("/sign-in?again=1")).forms[0].fields, email: "ada@example.org", password } });
        assert.equal(cookies.length, 1);
        assert.match(cookies[0], /; Path=\/; Max-Age=604800; HttpOnly; SameSite=Lax$/);
    });

    await world.test("an unknown address and a wrong password look alike", async () => {
        const wash = (page, email) => page.text.replaceAll(email, "EMAIL").replace(/value="[\w-]{43}"/, "");
        const one = browser();
        const wrong = await signIn(one, "ada@example.org", "correct horse batterx");
        const unknown = await signIn(one, "eve@example.org", "correct horse batterx");
        assert.equal(wrong.status, 403);
        assert.equal(unknown.status, 403);
        assert.match(wrong.text, /The e-mail address or the password is wrong/);
        assert.equal(wash(wrong, "ada@example.org"), wash(unknown, "eve@example.org"));
        const names = (page) => [...page.headers.keys()].filter((name) => name !== "date");
        assert.deepEqual(names(wrong), names(unknown));
    });

    await world.test("after five wrong ones the right one is refused too, for anybody and any address", async () => {
        for (const email of ["ada@example.org", "eve@example.org"]) {
            const answers = [];
            for (let i = 0; i < 6; ++i) answers.push(await signIn(browser(), email, "correct horse batterx"));
            const statuses = answers.map((one) => one.status);
            assert.ok(statuses.indexOf(429) >= 4 && statuses.at(-1) === 429, `${statuses}`);
            assert.ok(statuses.filter((status) => status === 403).length <= 5);
            const right = await signIn(browser(), email, password);
            assert.equal(right.status, 429, "the right password during the lock");
            assert.match(right.text, /too many attempts\. Try again in 15 minutes/);
        }
        assert.equal(await isSignedIn(ada), true, "whoever is in stays in");
    });

    await world.test("many at once are no way around it", async () => {
        const all = await Promise.all(
            Array.from({ length: 30 }, async () => {
                const one = browser();
                return (await signIn(one, "parallel@example.org", "wrong wrong wrong")).status;
            }),
        );
        assert.equal(all.filter((status) => status === 403).length, 5, `${all}`);
        assert.equal(all.filter((status) => status === 429).length, 25, `${all}`);
    });

    await world.test("an address has twenty, whoever is meant", async () => {
        const one = browser("2001:db8:1:2::1");
        const other = browser("2001:db8:1:2:ffff::2"); // the same subscriber
        for (let i = 0; i < 20; ++i) assert.equal((await signIn(i % 2 ? one : other, `u${i}@example.org`, "wrong wrong wrong")).status, 403);
        assert.equal((await signIn(one, "u20@example.org", "wrong wrong wrong")).status, 429);
        assert.equal((await signIn(other, "u21@example.org", "wrong wrong wrong")).status, 429);
        assert.equal((await signIn(browser("2001:db8:1:3::1"), "u22@example.org", "wrong wrong wrong")).status, 403);
    });

    await world.test("the operator's link lets in again, and everybody else out", async () => {
        const other = await linkFor("sign-in-link", "--user", "ada@example.org");
        const link = await linkFor("sign-in-link", "--public-url", hub.url);
        assert.ok(link.startsWith(`${hub.url}/welcome?link=czl_`));
        const one = browser();
        const page = await one.go(link);
        assert.ok(!/name="name"/.test(page.text), "who has a name is not asked");
        await one.submit(page, { new_password: `${password} 2`, repeated_password: `${password} 2` });
        assert.equal(await isSignedIn(one), true);
        assert.equal(await isSignedIn(ada), false);
        assert.equal((await browser().go(other)).status, 404, "the other link is gone too");
        const back = await signIn(ada, "ada@example.org", `${password} 2`);
        assert.match(back.text, /Your account/, "the lock is gone");
    });

    await world.test("another password ends the other sessions", async () => {
        const elsewhere = browser();
        await signIn(elsewhere, "ada@example.org", `${password} 2`);
        const page = await ada.go("/account");
        const values = { password: `${password} 2`, new_password: password, repeated_password: password };
        assert.match((await ada.submit(page, { ...values, password: "not that one" })).text, /Your password now is another one/);
        assert.match((await ada.submit(page, { ...values, new_password: "short" })).text, /at least 12/);
        assert.equal(await isSignedIn(elsewhere), true);
        const changed = await ada.submit(page, values);
        assert.match(changed.text, /The password is changed/);
        assert.equal(await isSignedIn(elsewhere), false);
        assert.match((await signIn(elsewhere, "ada@example.org", password)).text, /Your account/);
        await elsewhere.submit(await elsewhere.go("/account"), { do: "sign-out-everywhere" }, { action: "/account" });
        assert.equal(await isSignedIn(ada), false);
        assert.equal(await isSignedIn(elsewhere), false);
        await signIn(ada, "ada@example.org", password);
    });

    await world.test("forms of other pages do nothing", async () => {
        const page = await ada.go("/account");
        const stranger = browser();
        const foreign = (await stranger.go("/sign-in")).forms[0].fields.form_token;
        const out = page.forms.find((one) => one.action === "/sign-out").fields;
        const everywhere = page.forms.find((one) => one.fields.do === "sign-out-everywhere").fields;
        const withToken = (token) => ({ change: (fields) => ({ ...fields, form_token: token }) });
        const attempts = [
            { headers: { Origin: "https://evil.org" } },
            { headers: { Origin: "null" } },
            { headers: { Origin: "http://localhost:1" } },
            { headers: { Origin: null, "Sec-Fetch-Site": "cross-site" } },
            { headers: { Origin: null, "Sec-Fetch-Site": "same-site" } },
            { headers: { Origin: null } },
            { headers: { "Content-Type": "text/plain" } },
            { headers: { "Content-Type": "multipart/form-data" } },
            withToken(""),
            withToken(foreign),
            { change: ({ form_token, ...others }) => others },
            { change: (fields) => `${new URLSearchParams(fields)}&form_token=${fields.form_token}` },
        ];
        for (const [path, fields] of [["/sign-out", out], ["/account", everywhere]])
            for (const { headers, change = (all) => all } of attempts) {
                const { status } = await ada.request(path, { form: change(fields), headers });
                assert.equal(status, 403, `${path} ${JSON.stringify({ form: change(fields), headers })}`);
                assert.equal(await isSignedIn(ada), true);
            }
        for (const query of ["", `?${new URLSearchParams(everywhere)}`]) {
            assert.equal((await ada.request(`/sign-out${query}`)).status, 405);
            await ada.request(`/account${query}`);
            assert.equal(await isSignedIn(ada), true, "reading changes nothing");
        }
    });

    await world.test("nobody is signed in by a form of another page", async () => {
        const mine = { email: "ada@example.org", password, continue: "/account" };
        const token = (await browser().go("/sign-in")).forms[0].fields.form_token;
        const victim = browser();
        for (const form of [mine, { ...mine, form_token: token }, { ...mine, form_token: "" }])
            for (const headers of [{}, { Origin: "https://evil.org" }]) {
                assert.equal((await victim.request("/sign-in", { form, headers })).status, 403);
                assert.equal(sessionOf(victim), undefined);
            }
        const fresh = (await victim.go("/sign-in")).forms[0].fields;
        assert.equal((await victim.request("/sign-in", { form: { ...fresh, ...mine }, headers: { Origin: "https://evil.org" } })).status, 403);
        const link = await linkFor("sign-in-link");
        const { link: secret } = (await browser().go(link)).forms[0].fields;
        const form = { link: secret, form_token: token, new_password: password, repeated_password: password };
        assert.equal((await victim.request("/welcome", { form })).status, 403);
        assert.equal((await browser().go(link)).status, 200, "and the link is still good");
    });

    await world.test("every page has the headers", async () => {
        const paths = ["/sign-in", "/sign-in?again=1", "/welcome", "/welcome?link=x", "/account", "/sign-out", "/account?x=%zz"];
        for (const path of paths) {
            const page = await ada.go(path);
            const field = (name) => page.headers.get(name);
            assert.match(field("content-security-policy"), /^default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/, path);
            assert.equal(field("x-frame-options"), "DENY");
            assert.equal(field("x-content-type-options"), "nosniff");
            assert.equal(field("referrer-policy"), "same-origin");
            assert.equal(field("cache-control"), "no-store");
            assert.equal(field("cross-origin-opener-policy"), "same-origin");
            assert.doesNotMatch(page.text, /<script|javascript:| on\w+=|style=/i);
            assert.match(page.text, /<html lang="en">[\s\S]*name="viewport"/);
            for (const [, id] of page.text.matchAll(/<input id="([^"]*)"/g)) assert.ok(page.text.includes(`<label for="${id}">`), `${path}: ${id} has no label`);
            for (const [, url] of page.text.matchAll(/(?:href|src|action)="([^"]*)"/g)) assert.match(url, /^\/(?!\/)/, path);
        }
        const style = await ada.request("/assets/codez.css");
        assert.equal(style.status, 200);
        assert.match(style.headers.get("content-type"), /^text\/css/);
        for (const method of ["PUT", "DELETE", "PATCH"]) assert.equal((await ada.request("/account", { method })).status, 405);
        const foreign = await ada.request("/account", { headers: { Origin: "https://evil.org" } });
        assert.equal(foreign.status, 403);
        assert.equal(foreign.headers.get("access-control-allow-origin"), null);
    });

    await world.test("nobody is sent elsewhere", async () => {
        const elsewhere = ["//evil.org", "/\\evil.org", "\\\\evil.org", "https://evil.org", "javascript:alert(1)", "/\t/evil.org", "\t//evil.org", "/\r\nLocation: https://evil.org", " //evil.org", "/%0a/x\n", "evil.org", "", "/a\\b", "/\u0000", "///evil.org"];
        for (const wanted of elsewhere) {
            const path = `/sign-in?continue=${encodeURIComponent(wanted)}`;
            assert.equal((await ada.request(path)).headers.get("location"), "/account", JSON.stringify(wanted));
            const one = browser();
            const { fields } = (await one.go(path)).forms[0];
            assert.equal(fields.continue, "/account");
            const { headers } = await one.request("/sign-in", { form: { ...fields, email: "ada@example.org", password, continue: wanted } });
            if (!wanted.includes("\u0000")) assert.equal(headers.get("location"), "/account", JSON.stringify(wanted));
        }
        const local = "/authorize?client_id=x&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb";
        assert.equal((await ada.request(`/sign-in?continue=${encodeURIComponent(local)}`)).headers.get("location"), local);
        const quoted = await browser().go(`/sign-in?continue=${encodeURIComponent(`/"><script>`)}`);
        assert.doesNotMatch(quoted.text, /<script/);
    });

    await world.test("an invitation makes an account; names stay text", async () => {
        const { api_key } = await hub.admin("workspace", "--name", `W ${evil}`, "--owner", evil, "--email", "eve@example.org");
        assert.match(api_key, /^czk_/);
        const link = await linkFor("invite", "--workspace", `W ${evil}`, "--email", "bob@example.org", "--role", "viewer");
        const bob = browser();
        const page = await bob.go(link);
        assert.match(page.text, /invited to the workspace <strong>W &lt;script&gt;/);
        assert.match(page.text, /as <strong>viewer<\/strong>/);
        const values = { name: `Bob ${evil}`, new_password: password, repeated_password: password };
        assert.match((await bob.submit(page, { ...values, name: " " })).text, /Your name is missing/);
        const inside = await bob.submit(page, values);
        for (const { text } of [page, inside]) assert.doesNotMatch(text, /<script|<img|onerror=[^&]*>(?!<)/);
        assert.match(inside.text, /<dd>Bob &lt;script&gt;alert\(1\)&lt;\/script&gt;&quot;&#39;&gt;/);
        assert.match(inside.text, /\(viewer\)/);
        const wrong = await signIn(browser(), `${evil}@example.org`, password);
        assert.doesNotMatch(wrong.text, /<script|<img/);
    });

    await world.test("an invitation of somebody with an account is for them alone", async () => {
        const link = await linkFor("invite", "--workspace", "home", "--email", "BOB@example.org", "--role", "admin");
        const bob = browser();
        const asked = await bob.go(link);
        assert.match(asked.text, /Sign in as BOB@example.org to accept/);
        assert.equal(asked.forms.length, 0, "no password to be set");
        const forged = { link: new URL(link, hub.url).searchParams.get("link"), form_token: (await bob.go("/sign-in")).forms[0].fields.form_token, new_password: "eve was here 123", repeated_password: "eve was here 123", name: "Eve" };
        assert.equal((await bob.request("/welcome", { form: forged })).status, 403);
        const signedInAda = await ada.go(link);
        assert.match(signedInAda.text, /you are signed in as ada@example.org/);
        const path = /href="(\/sign-in[^"]*)"/.exec(asked.text)[1];
        const offered = await signIn(bob, "bob@example.org", password, path);
        const inside = await bob.submit(offered, {}, { action: "/welcome" });
        assert.match(inside.text, /<dd>home \(admin\)<\/dd>/);
        assert.equal((await ada.go(link)).status, 404);
    });

    await world.test("what happened is audited; secrets are nowhere", async () => {
        const { entries } = await hub.admin("audit", "--workspace", "home");
        const actions = new Set(entries.map((entry) => entry.action));
        for (const action of ["person.signed_in", "person.sign_in_failed", "person.password_changed", "person.link_made", "person.link_used"])
            assert.ok(actions.has(action), action);
        const said = readFileSync(hub.log, "utf8") + JSON.stringify(entries);
        assert.match(said, /too many attempts/);
        for (const secret of [...secrets, sessionOf(ada), "eve@example.org", "u3@example.org"]) assert.ok(!said.includes(secret), secret);
    });
});

test("the hub's other names lead to its own", async (t) => {
    const { hub } = await startWorld(t, { machines: 0 });
    const local = new Browser(`http://localhost:${hub.port}`);
    const { status, headers } = await local.request("/sign-in?continue=%2Faccount");
    assert.equal(status, 303);
    assert.equal(headers.get("location"), `${hub.url}/sign-in?continue=%2Faccount`);
    const own = new Browser(hub.url);
    assert.equal((await own.request("/")).headers.get("location"), "/account");
    assert.equal((await own.request("/", { form: {} })).status, 405);
    const form = { ...(await own.go("/sign-in")).forms[0].fields, email: "a@b", password };
    assert.equal((await own.request("/sign-in", { form, headers: { Origin: `http://localhost:${hub.port}` } })).status, 403);
});

test("passkeys are offered where browsers have them, and not given to forms of other pages", async (t) => {
    const { hub } = await startWorld(t, { machines: 0, hub: () => ({ host: "localhost" }) });
    const one = new Browser(hub.url);
    const page = await one.go("/sign-in");
    assert.match(page.headers.get("content-security-policy"), /; script-src 'self'; connect-src 'self'; frame-ancestors/);
    const form = page.forms.find((found) => found["data-passkey"] === "use");
    const ask = (fields, headers) => one.request("/passkeys/options", { form: fields, headers });
    const asked = await ask({ form_token: form.fields.form_token, for: "use" });
    assert.equal(asked.status, 200);
    assert.deepEqual(Object.keys(JSON.parse(asked.text)).sort(), ["challenge", "domain"]);
    assert.equal(JSON.parse(asked.text).domain, "localhost");
    assert.equal((await ask({ form_token: form.fields.form_token, for: "add" })).status, 403, "nobody is signed in");
    assert.equal((await ask({ form_token: "", for: "use" })).status, 403);
    assert.equal((await ask({ form_token: form.fields.form_token }, { Origin: "https://evil.org" })).status, 403);
    for (const path of ["/passkeys", "/passkeys/options", "/passkeys/sign-in"]) {
        assert.equal((await one.request(path)).status, 405);
        assert.equal((await one.request(path, { form: { do: "remove", credential: "AA" } })).status, 403);
    }
    const b64 = (text) => Buffer.from(text).toString("base64url");
    const { challenge } = JSON.parse(asked.text);
    const said = { type: "webauthn.get", challenge, origin: hub.url };
    for (const change of [{}, { client_data: "" }, { client_data: b64("[]") }, { client_data: "%" }, { authenticator_data: "" }, { credential: "" }]) {
        const sent = { ...form.fields, credential: b64("x"), client_data: b64(JSON.stringify(said)), authenticator_data: b64("x".repeat(37)), signature: b64("x"), ...change };
        const answer = await one.request("/passkeys/sign-in", { form: sent });
        assert.equal(answer.status, 403, JSON.stringify(change));
        assert.match(answer.text, /That did not work/);
    }
    const plain = await startWorld(t, { machines: 0 });
    assert.doesNotMatch((await new Browser(plain.hub.url).go("/sign-in")).text, /passkey|<script/, "no passkeys for IP addresses");
});

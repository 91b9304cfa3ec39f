// Providers that lie, answers that were stolen or mixed up, browsers that are not the one that was sent: nobody gets in by them.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { callbackOf, leaveFor, passProvider } from "../support/fake-provider.mjs";
import { Person } from "../support/person.mjs";
import { startProvidedHub } from "../support/provided-hub.mjs";

const evil = "<script>alert(1)</script>";
const seconds = () => Math.floor(Date.now() / 1000);

test("what signs nobody in", async (t) => {
    const { world, hub, company, second, github, browser, sessionOf, signIn } = await startProvidedHub(t);
    const ada = await Person.owner(hub);
    for (const id of ["company", "second", "github"]) await passProvider(ada.browser, await ada.browser.go("/account"), id);

    /** Nobody is signed in, and the page shows nothing of the provider's. */
    const refused = (one, page, statuses = [403]) => {
        assert.ok(statuses.includes(page.status), `${page.status} ${page.text}`);
        assert.equal(sessionOf(one), undefined);
        assert.doesNotMatch(page.text, /<script|alert\(1\)|invalid_grant/);
        assert.match(page.text, /href="\/sign-in[^"]*"|href="\/account"/, "and leads back");
    };
    const attempt = async (provider, id, statuses) => {
        const one = browser();
        refused(one, await signIn(one, id), statuses);
        provider.reset();
    };
    const allowed = async (id) => {
        const one = browser();
        await signIn(one, id);
        assert.ok(sessionOf(one), `${id} lets in`);
    };

    const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
    const tokens = {
        "of another nonce": { claims: { nonce: "another" } },
        "without a nonce": { claims: { nonce: undefined } },
        "for another client": { claims: { aud: "another" } },
        "for several, and not given to us": { claims: { aud: ["hub's client", "another"], azp: "another" } },
        "for several, without azp": { claims: { aud: ["hub's client", "another"] } },
        "of another issuer": { claims: { iss: "https://evil.example" } },
        "of the issuer with a slash": { claims: { get iss() { return `${company.issuer}/`; } } },
        expired: { claims: { exp: seconds() - 120 } },
        "without an end": { claims: { exp: undefined } },
        "of the future": { claims: { iat: seconds() + 3600, exp: seconds() + 7200 } },
        "of an hour ago": { claims: { iat: seconds() - 3600 } },
        "without a subject": { claims: { sub: undefined } },
        "with an endless subject": { claims: { sub: "x".repeat(256) } },
        "with an alg of none": { idToken: (claims) => `${encode({ alg: "none" })}.${encode(claims)}.` },
        "with an alg of none and a signature": { idToken: (claims) => company.signed(claims, { alg: "none" }) },
        "signed with the public key as a secret": { idToken: (claims) => company.signed(claims, { alg: "HS256" }) },
        unsigned: { idToken: (claims) => company.signed(claims).replace(/[^.]*$/, "") },
        "signed by another": { idToken: (claims) => company.signed(claims, {}, other) },
        "with a key of its own": { idToken: (claims) => company.signed(claims, { kid: undefined, jwk: other.publicKey.export({ format: "jwk" }) }, other) },
        "that is no text": { idToken: () => 5 },
        "that is none": { idToken: () => evil },
        "that is not there": { idToken: () => undefined },
    };
    for (const [name, lie] of Object.entries(tokens))
        await world.test(`an ID token ${name}`, async () => {
            Object.assign(company, lie);
            await attempt(company, "company");
        });
    await allowed("company");

    const answers = {
        "an error with a page of its own": [{ token: () => ({ status: 400, body: JSON.stringify({ error: "invalid_grant", error_description: evil }) }) }],
        "a page with a script": [{ token: () => ({ status: 200, body: `<html>${evil}` }) }],
        "a list": [{ token: () => ({ status: 200, body: "[]" }) }],
        "an answer of a megabyte": [{ token: (body) => ({ status: 200, body: JSON.stringify({ ...body, more: "x".repeat(1 << 20) }) }) }, [503]],
        "a failure": [{ token: () => ({ status: 500, body: evil }) }, [503]],
        "no end of an answer": [{ token: () => ({ status: 200, drip: true }) }, [503]],
    };
    for (const [name, [lie, statuses]] of Object.entries(answers))
        await world.test(`for a code ${name}`, async () => {
            Object.assign(company, lie);
            await attempt(company, "company", statuses);
        });
    await allowed("company");

    const ways = {
        "of an error": ({ state, iss }) => ({ error: evil, error_description: evil, error_uri: "javascript:alert(1)", state, iss }),
        "without a code": ({ state, iss }) => ({ state, iss }),
        "without iss, from who always sends it": ({ code, state }) => ({ code, state }),
        "of another issuer": ({ code, state }) => ({ code, state, iss: second.issuer }),
        "of an issuer that is empty": ({ code, state }) => ({ code, state, iss: "" }),
        "with two codes": ({ code, state, iss }) => [["code", code], ["code", "x"], ["state", state], ["iss", iss]],
        "without a state": ({ code, iss }) => ({ code, iss }),
        "with another state": ({ code, iss }) => ({ code, iss, state: "A".repeat(43) }),
        "with a code that is not its": ({ state, iss }) => ({ code: "another", state, iss }),
    };
    for (const [name, answer] of Object.entries(ways))
        await world.test(`a way back ${name}`, async () => {
            company.answer = answer;
            await attempt(company, "company", [400, 403]);
        });

    await world.test("an answer counts once", async () => {
        const one = browser();
        const back = await callbackOf((await leaveFor(one, await one.go("/sign-in"), "company")).left);
        await one.go(back);
        assert.ok(sessionOf(one));
        one.cookies.delete(`codez_${hub.port}`);
        refused(one, await one.go(back));
    });

    await world.test("an answer of another browser signs nobody in, neither the victim nor the thief", async () => {
        const attacker = browser();
        const back = await callbackOf((await leaveFor(attacker, await attacker.go("/sign-in"), "company")).left);
        const victim = browser();
        await victim.go("/sign-in"); // has a cookie of its own
        refused(victim, await victim.go(back));
        const bare = browser();
        refused(bare, await bare.go(back));
        assert.equal((await attacker.go(back)).status, 200, "and it is still good where it belongs");
    });

    await world.test("an account is linked only in the session that asked for it", async () => {
        const { link } = await hub.admin("invite", "--email", "eve@example.org");
        const eve = new Person(hub, "eve@example.org");
        await eve.comeBy(link, { name: "Eve" });
        company.user = "eve-there";
        const { left } = await leaveFor(eve.browser, await eve.browser.go("/account"), "company");
        const back = await callbackOf(left);
        assert.equal((await ada.browser.go(back)).status, 403, "not to the victim's account");
        await eve.signOut();
        assert.equal((await eve.browser.go(back)).status, 403, "and not after signing out");
        company.user = "alice";
        assert.doesNotMatch((await ada.browser.go("/account")).text, /eve-there/);
    });

    await world.test("mix-up: a code of one provider is worth nothing at the callback of another", async () => {
        for (const [from, to] of [["company", "second"], ["second", "company"], ["company", "github"], ["github", "second"]]) {
            const one = browser();
            const back = await callbackOf((await leaveFor(one, await one.go("/sign-in"), from)).left);
            refused(one, await one.go(back.replace(`/callback/${from}`, `/callback/${to}`)));
        }
        // A provider that sends the browser on with its own state, and the victim's code of an honest one.
        const one = browser();
        const { left } = await leaveFor(one, await one.go("/sign-in"), "second");
        const stolen = await callbackOf((await leaveFor(one, await one.go("/sign-in"), "company")).left);
        const code = new URL(stolen, hub.url).searchParams.get("code");
        refused(one, await one.go(`/sign-in/callback/second?code=${code}&state=${left.searchParams.get("state")}`));
    });

    await world.test("what a GitHub says is no word to trust either", async () => {
        const profiles = [{ id: "583231" }, { id: 0 }, { id: -1 }, { id: 583231.5 }, { login: "alice" }, [], evil];
        for (const profile of profiles) {
            github.profile = () => ({ status: 200, body: typeof profile === "string" ? profile : JSON.stringify(profile) });
            await attempt(github, "github");
        }
        for (const [lie, statuses] of [
            [{ profile: () => ({ status: 500, body: evil }) }, [503]],
            [{ token: () => ({ status: 200, body: JSON.stringify({ error: "bad_verification_code", error_description: evil }) }) }],
            [{ token: () => ({ status: 200, body: JSON.stringify({ access_token: "a\r\nb" }) }) }],
            [{ answer: ({ code, state }) => ({ code, state, iss: company.issuer }) }],
        ]) {
            Object.assign(github, lie);
            await attempt(github, "github", statuses);
        }
        await allowed("github");
    });

    await world.test("callbacks change nothing but by GET, and are no way elsewhere", async () => {
        const one = browser();
        for (const method of ["HEAD", "PUT", "DELETE"]) assert.equal((await one.request("/sign-in/callback/company", { method })).status, 405);
        assert.equal((await one.request("/sign-in/callback/company", { form: { code: "x" } })).status, 405);
        for (const path of ["/sign-in/callback/", "/sign-in/callback/other", "/sign-in/callback/company/x", "/sign-in/callback/%63ompany"]) assert.equal((await one.request(path)).status, 404, path);
        const { left } = await leaveFor(one, await one.go("/sign-in?continue=https%3A%2F%2Fevil.example"), "company");
        await one.go(await callbackOf(left));
        assert.equal(one.at.pathname, "/account");
    });

    await world.test("nobody is sent there by a form of another page", async () => {
        const one = browser();
        const { fields } = (await one.go("/sign-in")).forms.find((form) => form.buttons.some((button) => button.value === "company"));
        const form = { ...fields, provider: "company" };
        for (const headers of [{ Origin: "https://evil.org" }, { Origin: "null" }, { Origin: null, "Sec-Fetch-Site": "cross-site" }])
            assert.equal((await one.request("/sign-in", { form, headers })).status, 403);
        assert.equal((await browser().request("/sign-in", { form })).status, 403, "another browser's token");
        assert.equal((await one.request("/sign-in", { form: { ...form, provider: "other" } })).status, 403);
        assert.equal((await one.request("/sign-in", { form })).status, 303);
    });

    await world.test("twenty bad answers from an address, and it has to wait", async () => {
        const one = browser("203.0.113.7");
        const bad = (n) => one.request(`/sign-in/callback/company?code=x&state=${String(n).padStart(43, "A")}`);
        for (let i = 0; i < 20; ++i) assert.equal((await bad(i)).status, 403);
        assert.equal((await bad(20)).status, 429);
        const back = await callbackOf((await leaveFor(one, await one.go("/sign-in"), "company")).left);
        assert.equal((await one.go(back)).status, 429, "also with a good one");
        await allowed("company");
    });

    await world.test("a provider that is down keeps nobody from other ways in", async () => {
        const one = browser();
        const back = await callbackOf((await leaveFor(one, await one.go("/sign-in"), "second")).left);
        await second.stop();
        const page = await one.go(back);
        refused(one, page, [503]);
        assert.match(page.text, /Second &amp; Sons cannot be asked at the moment/);
        assert.equal((await browser().go("/sign-in")).status, 200);
        await allowed("company");
    });

    await world.test("the log tells why, and nothing that a provider wrote", async () => {
        const log = readFileSync(hub.log, "utf8");
        assert.match(log, /signs nobody in.*provider=company.*its nonce is not that of the request/);
        assert.match(log, /provider=company.*its signature is wrong/);
        assert.doesNotMatch(log, /alert\(1\)|evil\.example/);
        for (const { form } of [...company.redeemed, ...github.redeemed]) for (const name of ["code", "code_verifier"]) assert.ok(form.get(name) === "another" || !log.includes(form.get(name)));
    });
});

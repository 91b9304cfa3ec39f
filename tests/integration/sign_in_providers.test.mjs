// People sign in with accounts elsewhere: known and unknown ones, linked and unlinked, invited. The provider is scripted. No machine.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { callbackOf, leaveFor, passProvider } from "../support/fake-provider.mjs";
import { OAuthClient } from "../support/oauth-client.mjs";
import { Person } from "../support/person.mjs";
import { startProvidedHub } from "../support/provided-hub.mjs";

test("people sign in with accounts of providers", async (t) => {
    const { world, hub, company, second, browser, sessionOf, isSignedIn, signIn, audited } = await startProvidedHub(t);
    const ada = await Person.owner(hub);

    await world.test("the sign-in page offers them, and its forms lead nowhere else", async () => {
        const page = await browser().go("/sign-in");
        assert.match(page.text, />Continue with Example SSO<[\s\S]*>Continue with Second &amp; Sons<[\s\S]*>Continue with GitHub</);
        const [, targets] = /form-action 'self'([^;]*);/.exec(page.headers.get("content-security-policy"));
        assert.deepEqual(targets.trim().split(" ").sort(), [company.issuer, second.issuer, (await urlOf("github")).origin].sort());
        assert.doesNotMatch(page.text, /<img|<script|style=/);
        async function urlOf(id) {
            const one = browser();
            return (await leaveFor(one, await one.go("/sign-in"), id)).left;
        }
    });

    await world.test("a browser is sent with PKCE, state and nonce, and with no secret", async () => {
        const one = browser();
        const { left, status } = await leaveFor(one, await one.go("/sign-in?continue=%2Fconnections"), "company");
        assert.equal(status, 303);
        assert.equal(left.origin + left.pathname, `${company.issuer}/authorize`);
        const query = Object.fromEntries(left.searchParams);
        assert.match(query.state, /^[\w-]{43}$/);
        assert.match(query.nonce, /^[\w-]{43}$/);
        assert.match(query.code_challenge, /^[\w-]{43}$/);
        for (const name of ["state", "nonce", "code_challenge"]) delete query[name];
        assert.deepEqual(query, { response_type: "code", client_id: company.client, scope: "openid", redirect_uri: `${hub.url}/sign-in/callback/company`, code_challenge_method: "S256" });
    });

    await world.test("somebody unknown is told what to do, and becomes nobody", async () => {
        company.claims = { email: "ada@example.org", email_verified: true };
        const one = browser();
        const page = await signIn(one, "company");
        assert.equal(page.status, 403);
        assert.match(page.text, /<h1>You are not known here yet<\/h1>[\s\S]*Nobody of this hub is linked with that account of Example SSO[\s\S]*link it on your account page[\s\S]*invitation/);
        assert.equal(sessionOf(one), undefined);
        assert.equal(await isSignedIn(one), false);
        assert.ok((await audited()).includes("hub person.sign_in_failed provider:company not_linked"));
        company.reset();
    });

    await world.test("who is signed in links an account, and gets in by it", async () => {
        const page = await passProvider(ada.browser, await ada.browser.go("/account"), "company");
        assert.match(page.text, /role="status">The account is linked\.<[\s\S]*<span>Example SSO, since \d{4}-\d\d-\d\d<\/span>/);
        assert.ok((await audited()).some((line) => /^user:u_\w+ identity\.linked u_\w+\/x_\w+ ok$/.test(line)));
        await passProvider(ada.browser, page, "second");
        const one = browser();
        const inside = await signIn(one, "company", "/sign-in?continue=%2Fconnections");
        assert.equal(one.at.pathname, "/connections");
        assert.equal(inside.status, 200);
        assert.match((await one.go("/account")).text, /<dd>ada@example.org<\/dd>/);
        assert.ok((await audited()).some((line) => /^user:u_\w+ person\.signed_in u_\w+\/provider:company ok$/.test(line)));
        assert.ok(await isSignedIn(await signInBy("second")), "by client_secret_post");
        async function signInBy(id) {
            const another = browser();
            await signIn(another, id);
            return another;
        }
    });

    await world.test("each time there is a new session, and the one before has ended", async () => {
        const one = browser();
        one.cookies.set(`codez_${hub.port}`, "A".repeat(43));
        await signIn(one, "company");
        const first = sessionOf(one);
        assert.match(first, /^[\w-]{43}$/);
        await passProvider(one, await one.go("/sign-in?again=1"), "company");
        assert.notEqual(sessionOf(one), first);
        const thief = browser();
        thief.cookies.set(`codez_${hub.port}`, first);
        assert.equal(await isSignedIn(thief), false);
    });

    await world.test("only who has just proven it can link or unlink, and a provider must ask again for that", async () => {
        const one = browser();
        await signIn(one, "company");
        const stale = await one.go("/account");
        assert.match(stale.text, /Confirm that it is you<\/a> to link another account/);
        const { fields } = stale.forms.find((form) => form.fields.do === "unlink");
        for (const form of [fields, { ...fields, do: "link", provider: "github" }])
            assert.equal((await one.request("/account", { form })).headers.get("location"), "/sign-in?continue=%2Faccount&again=1");
        company.claims = { auth_time: Math.floor(Date.now() / 1000) - 3600 };
        const unproven = await passProvider(one, await one.go("/sign-in?continue=%2Faccount&again=1"), "company");
        assert.equal(unproven.status, 403);
        assert.deepEqual([company.visits.at(-1).prompt, company.visits.at(-1).max_age], ["login", "0"]);
        company.claims = { auth_time: Math.floor(Date.now() / 1000) };
        const fresh = await passProvider(one, await one.go("/sign-in?continue=%2Faccount&again=1"), "company");
        assert.match(fresh.text, />Link GitHub</);
        company.claims = { auth_time: Math.floor(Date.now() / 1000) - 3600 };
        const other = browser();
        assert.match((await (await signIn(other, "company"), other.go("/account"))).text, /Confirm that it is you/);
        company.reset();
    });

    await world.test("another's account cannot be linked, nor confirm who one is", async () => {
        const { link } = await hub.admin("invite", "--email", "eve@example.org");
        const eve = new Person(hub, "eve@example.org");
        await eve.comeBy(link, { name: "Eve" });
        const page = await passProvider(eve.browser, await eve.browser.go("/account"), "company");
        assert.equal(page.status, 409);
        assert.match(page.text, /Somebody else of this hub is linked with that account/);
        const confirmed = await passProvider(eve.browser, await eve.browser.go("/sign-in?again=1"), "company");
        assert.equal(confirmed.status, 403);
        assert.match((await eve.browser.go("/account")).text, /<dd>Eve<\/dd>/, "she is still who she was");
    });

    await world.test("an unlinked account lets nobody in", async () => {
        const page = await ada.browser.go("/account");
        const { fields } = page.forms.filter((form) => form.fields.do === "unlink")[1];
        const done = await ada.browser.go("/account", { form: fields });
        assert.match(done.text, /not linked any more/);
        assert.doesNotMatch(done.text, /Second &amp; Sons, since/);
        assert.equal((await signIn(browser(), "second")).status, 403);
        const foreign = await ada.browser.go("/account", { form: { ...fields, account: "x_0000000000000000" } });
        assert.equal(foreign.status, 404);
    });

    await world.test("a way back survives a restart of the hub", async () => {
        const one = browser();
        const { left } = await leaveFor(one, await one.go("/sign-in?continue=%2Fconnections"), "company");
        await hub.child.end();
        await hub.start();
        assert.equal((await one.go(await callbackOf(left))).status, 200);
        assert.equal(one.at.pathname, "/connections");
    });

    await world.test("whoever does not go on with it is led back, calmly", async () => {
        company.answer = ({ state, iss }) => ({ error: "access_denied", error_description: "<script>alert(1)</script>", state, iss });
        const page = await signIn(browser(), "company", "/sign-in?continue=%2Fconnections");
        assert.equal(page.status, 200);
        assert.match(page.text, /You did not go on with Example SSO\. Nothing was changed[\s\S]*href="\/sign-in\?continue=%2Fconnections"/);
        assert.doesNotMatch(page.text, /<script|alert/);
        company.reset();
    });

    await world.test("a person whom the operator linked gets in too", async () => {
        const { link } = await hub.admin("invite", "--email", "olga@example.org");
        const olga = new Person(hub, "olga@example.org");
        await olga.comeBy(link, { name: "Olga" });
        await hub.admin("link-identity", "--issuer", second.issuer, "--subject", "olga-there", "--user", "olga@example.org");
        second.user = "olga-there";
        const one = browser();
        assert.match((await signIn(one, "second")).text, /<dd>Olga<\/dd>/);
        second.user = "alice";
    });

    await world.test("confused deputy: an upstream session skips no consent of ours", async () => {
        const victim = browser();
        await signIn(victim, "company"); // known here, signed in there
        victim.cookies.delete(`codez_${hub.port}`);
        const attacker = new OAuthClient(hub.url, { id: "codez-mcp", redirectUri: "http://127.0.0.1:43117/callback" });
        const asked = await victim.go(attacker.begin().url, { away: true });
        assert.match(asked.text, /<h1>Sign in<\/h1>/);
        const page = await passProvider(victim, asked, "company", { away: true });
        assert.equal(page.left, undefined, "no code for the attacker's client");
        assert.equal(company.visits.at(-1).prompt, "login", "access that is dangerous is asked for by who is there, in one go");
        assert.ok(page.forms.some((form) => form.action === "/consent"), page.text);
    });

    await world.test("no secret of it is in the log or the database", async () => {
        const files = [hub.log, ...["hub.db", "hub.db-wal"].map((name) => `${hub.data}/${name}`)].map((file) => readFileSync(file, "latin1"));
        const secrets = [company.secret, ...company.redeemed.flatMap(({ form }) => [form.get("code"), form.get("code_verifier")]), ...company.visits.flatMap((visit) => [visit.state, visit.nonce]), "a token for nobody"];
        for (const secret of secrets) for (const text of files) assert.ok(!text.includes(secret), secret);
        assert.match(files[0], /callback=.*\/sign-in\/callback\/company/);
    });
});

test("an account elsewhere takes the place of a password", async (t) => {
    const { world, hub, company, github, browser, sessionOf, isSignedIn, signIn, audited } = await startProvidedHub(t);
    const ada = await Person.owner(hub);
    const bob = browser();

    await world.test("somebody invited comes in by it, once", async () => {
        const { link } = await hub.admin("invite", "--email", "bob@example.org", "--role", "viewer");
        github.number = 42;
        const nameless = await leaveFor(bob, await bob.go(link), "github");
        assert.equal(nameless.status, 400);
        assert.match(nameless.text, /Your name is missing/);
        const page = await passProvider(bob, await bob.go(link), "github", { values: { provider_name: "Bob <b>" } });
        assert.equal(bob.at.pathname, "/account");
        assert.match(page.text, /<dd>Bob &lt;b&gt;<\/dd>[\s\S]*<dd>bob@example.org<\/dd>[\s\S]*<dd>home \(viewer\)<\/dd>[\s\S]*GitHub, since[\s\S]*You have none/);
        assert.equal((await browser().go(link)).status, 404);
        const lines = await audited();
        assert.ok(lines.some((line) => /person\.link_used u_\w+ invitation$/.test(line)) && lines.some((line) => /^user:u_\w+ identity\.linked /.test(line)));
        assert.match((await signIn(browser(), "github")).text, /<dd>Bob &lt;b&gt;<\/dd>/);
    });

    await world.test("the last way in stays", async () => {
        const page = await passProvider(bob, await bob.go("/sign-in?continue=%2Faccount&again=1"), "github");
        const { fields } = page.forms.find((form) => form.fields.do === "unlink");
        const refused = await bob.go("/account", { form: fields });
        assert.equal(refused.status, 400);
        assert.match(refused.text, /only way left/);
        assert.equal(await isSignedIn(bob), true);
    });

    await world.test("an account of somebody here opens no invitation of another, and uses none up", async () => {
        await passProvider(ada.browser, await ada.browser.go("/account"), "company");
        const { link } = await hub.admin("invite", "--email", "carol@example.org");
        const one = browser();
        const page = await passProvider(one, await one.go(link), "company", { values: { provider_name: "Carol" } });
        assert.equal(page.status, 409);
        assert.match(page.text, /Somebody of this hub is linked with that account already/);
        assert.ok(page.text.includes(`href="${link}"`), "and leads back");
        assert.equal(sessionOf(one), undefined);
        assert.equal((await one.go(link)).status, 200);
    });

    await world.test("of two visits by one link one comes in", async () => {
        const { link } = await hub.admin("invite", "--email", "dave@example.org");
        const [one, two] = [browser(), browser()];
        company.user = "dave";
        const mine = await leaveFor(one, await one.go(link), "company", { values: { provider_name: "Dave" } });
        const theirs = await leaveFor(two, await two.go(link), "github", { values: { provider_name: "Eve" } });
        github.number = 66;
        assert.equal((await one.go(await callbackOf(mine.left))).status, 200);
        assert.equal((await two.go(await callbackOf(theirs.left))).status, 404);
        assert.equal(sessionOf(two), undefined);
        company.user = "alice";
    });

    await world.test("the operator's link ends what was linked, and takes another account", async () => {
        const { link } = await hub.admin("sign-in-link", "--user", "bob@example.org");
        const one = browser();
        company.user = "bob-at-work";
        const page = await passProvider(one, await one.go(link), "company");
        assert.match(page.text, /Example SSO, since/);
        assert.doesNotMatch(page.text, /GitHub, since/);
        assert.equal(await isSignedIn(bob), false);
        github.number = 42;
        assert.equal((await signIn(bob, "github")).status, 403);
        assert.match((await signIn(browser(), "company")).text, /bob@example.org/);
    });

    await world.test("an invitation of somebody with an account is accepted after signing in by it", async () => {
        await hub.admin("workspace", "--name", "second", "--owner", "zoe");
        const { link } = await hub.admin("invite", "--workspace", "second", "--email", "bob@example.org");
        const one = browser();
        const page = await passProvider(one, await one.go(`/sign-in?continue=${encodeURIComponent(link)}`), "company");
        assert.equal(one.at.pathname, "/welcome");
        assert.match((await one.submit(page, {}, { action: "/welcome" })).text, /<dd>second \(member\)<\/dd>/);
    });
});

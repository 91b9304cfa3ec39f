// People sign in with accounts of a real oidc-provider: in Chromium, by keyboard; and by that to an application that gets in by OAuth.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

import axe from "axe-core";

import { certifyLoopback, leaveFor, providersArgs } from "../support/fake-provider.mjs";
import { startWorld } from "../support/harness.mjs";
import { OidcProvider, followSignIn } from "../support/oidc-provider.mjs";
import { Person } from "../support/person.mjs";
import { within } from "../support/wait.mjs";
import { startChromium } from "./chromium.mjs";
import { Provider, connectByOAuth, sdks } from "./oauth_provider.mjs";

/** A hub with a provider of accounts beside it. */
async function start(t, serveArgs = () => []) {
    let provider;
    const world = await startWorld(t, {
        machines: 0,
        hub: async (w) => {
            const { authority, certificate } = await certifyLoopback(w.dir);
            provider = await OidcProvider.start({ certificate, resources: () => [w.hub.mcpUrl] });
            w.closers.push(() => provider.stop());
            const entry = { id: "company", name: "Example SSO", issuer: provider.issuer, client_id: "hub", client_secret: "hub's secret: %&+" };
            return { serveArgs: [...providersArgs(w.dir, authority, [entry], [provider]), ...serveArgs(provider)] };
        },
    });
    await provider.stop();
    provider.signIn = `${world.hub.url}/sign-in/callback/company`;
    await provider.start();
    return { world, provider };
}

test("accounts elsewhere in Chromium", async (t) => {
    const { world, provider } = await start(t);
    const { hub } = world;
    const { open } = await startChromium(t, world);
    const page = await open({ ignoreHTTPSErrors: true });
    const heading = () => page.locator("h1").innerText();
    const faults = async () => {
        await page.evaluate(axe.source);
        const { violations } = await page.evaluate(() => globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
        return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" ")}`);
    };
    /** By keyboard, as a person would; and the page that comes of it. */
    const pressByKeyboard = async (wanted, path) => {
        for (let i = 0; i < 40 && (await page.evaluate(() => document.activeElement.textContent)) !== wanted; ++i) await page.keyboard.press("Tab");
        assert.equal(await page.evaluate(() => document.activeElement.textContent), wanted);
        await Promise.all([page.waitForURL((url) => url.origin === hub.url && url.pathname === path), page.keyboard.press("Enter")]);
    };

    await world.test("somebody invited comes in by it", async () => {
        provider.user = "bob";
        const { link } = await hub.admin("invite", "--email", "bob@example.org", "--public-url", hub.url);
        await page.goto(link);
        assert.deepEqual(await faults(), []);
        await page.locator("#provider_name").fill("Bob");
        await page.locator("#provider_name").focus();
        await pressByKeyboard("Continue with Example SSO", "/account");
        assert.equal(await heading(), "Your account");
        assert.match(await page.locator("main").innerText(), /bob@example\.org[\s\S]*Example SSO, since \d{4}/);
        assert.deepEqual(await faults(), []);
    });

    await world.test("signs out, and in again by keyboard", async () => {
        await pressByKeyboard("Sign out", "/sign-in");
        assert.deepEqual(await faults(), []);
        await page.goto(`${hub.url}/sign-in?continue=${encodeURIComponent("/account?x=1")}`);
        await pressByKeyboard("Continue with Example SSO", "/account");
        assert.equal(new URL(page.url()).search, "?x=1");
        assert.equal(await heading(), "Your account");
    });

    await world.test("proves once more who it is, where the provider says when it asked", async () => {
        await page.goto(`${hub.url}/sign-in?continue=%2Faccount&again=1`);
        assert.equal(await heading(), "Please confirm that it is you");
        await pressByKeyboard("Continue with Example SSO", "/account");
        assert.equal(await page.getByRole("button", { name: "Link Example SSO", exact: true }).count(), 1, "it is fresh");
    });

    await world.test("somebody whom nobody here knows is told what to do", async () => {
        provider.user = "mallory";
        const stranger = await open({ ignoreHTTPSErrors: true });
        await stranger.goto(`${hub.url}/sign-in`);
        await stranger.getByRole("button", { name: "Continue with Example SSO" }).click();
        await stranger.waitForURL((url) => url.pathname === "/sign-in/callback/company");
        assert.equal(await stranger.locator("h1").innerText(), "You are not known here yet");
        await stranger.context().close();
        provider.user = "bob";
    });

    for (const [name, sdk] of Object.entries(sdks))
        await world.test(`${name}: an application is connected by who signs in that way`, async () => {
            const server = createServer((request, response) => {
                if (request.url.startsWith("/callback")) server.emit("callback", new URL(request.url, redirectUrl));
                response.writeHead(200, { "content-type": "text/html" }).end('<link rel="icon" href="data:,"><p>You may close this page.</p>');
            });
            await once(server.listen(0, "127.0.0.1"), "listening");
            const redirectUrl = `http://127.0.0.1:${server.address().port}/callback`;
            const fresh = await open({ ignoreHTTPSErrors: true });
            const person = {
                async answer(url) {
                    await fresh.goto(url);
                    assert.equal(await fresh.locator("h1").innerText(), "Sign in");
                    await fresh.getByRole("button", { name: "Continue with Example SSO" }).click();
                    await fresh.waitForURL((at) => at.origin === hub.url && at.pathname === "/consent");
                    const came = within(once(server, "callback"), "the browser to come back");
                    await fresh.getByRole("button", { name: "Allow" }).click();
                    return (await came)[0];
                },
            };
            const application = Object.assign(new Provider(), { redirectUrl });
            const client = await connectByOAuth(sdk, hub.mcpUrl, application, person);
            assert.deepEqual((await client.callTool({ name: "list_machines", arguments: {} })).structuredContent.machines, []);
            await client.close();
            await fresh.context().close();
            server.close();
            server.closeAllConnections();
        });
});

test("the authorization server of clients is the provider of accounts too", async (t) => {
    const { world, provider } = await start(t, ({ issuer }) => ["--auth-server", issuer]);
    const ada = await Person.owner(world.hub);
    const status = async (token) => (await world.client(token).post({ jsonrpc: "2.0", id: 1, method: "ping" })).status;
    const callback = provider.signIn;

    await world.test("one link lets in the person's browser and the person's tokens", async () => {
        assert.equal(await status(await provider.token()), 403);
        const { left } = await leaveFor(ada.browser, await ada.browser.go("/account"), "company");
        const back = await followSignIn(left, callback);
        assert.match((await ada.browser.go(back.pathname + back.search)).text, /The account is linked/);
        assert.equal(await status(await provider.token()), 200);
    });

    await world.test("and ends for both", async () => {
        const token = await provider.token();
        const page = await ada.browser.go("/account");
        await ada.browser.go("/account", { form: page.forms.find((form) => form.fields.do === "unlink").fields });
        const { left } = await leaveFor(ada.browser, await ada.browser.go("/sign-in?again=1"), "company");
        const back = await followSignIn(left, callback);
        assert.equal((await ada.browser.go(back.pathname + back.search)).status, 403);
        assert.equal(await status(await provider.token()), 403);
        assert.notEqual(await status(token), 200);
    });

    await world.test("an access token is no ID token: the hub signs nobody in with what clients get", async () => {
        assert.equal((await ada.browser.request(`/sign-in/callback/company?code=${await provider.token()}&state=${"A".repeat(43)}&iss=${encodeURIComponent(provider.issuer)}`)).status, 403);
    });
});

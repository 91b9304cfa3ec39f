// Passkeys in a real browser, with an authenticator that the browser plays.

import assert from "node:assert/strict";
import { test } from "node:test";

import { startWorld } from "../support/harness.mjs";
import { startChromium } from "./chromium.mjs";

const email = "ada@example.org";
const password = "correct horse battery";

test("passkeys in Chromium", async (t) => {
    // Browsers give passkeys to names only, and count localhost as safe.
    const world = await startWorld(t, { machines: 0, hub: () => ({ host: "localhost" }) });
    const { hub } = world;
    const { open } = await startChromium(t, world);
    const page = await open();
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("WebAuthn.enable");
    const authenticator = (more = {}) =>
        devtools.send("WebAuthn.addVirtualAuthenticator", {
            options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true, ...more },
        });
    const { authenticatorId } = await authenticator();
    const heading = () => page.locator("h1").innerText();
    const button = (name) => page.getByRole("button", { name, exact: true });
    const press = (name) => Promise.all([page.waitForEvent("load"), button(name).click()]);
    const stored = async () => (await devtools.send("WebAuthn.getCredentials", { authenticatorId })).credentials;
    const signOut = async () => {
        await page.goto(`${hub.url}/account`);
        await press("Sign out");
    };

    await world.test("is added by somebody who has signed in", async () => {
        await page.goto(hub.url + hub.credentials.sign_in_link);
        await page.getByLabel("E-mail address").fill(email);
        await page.getByLabel("New password").fill(password);
        await page.getByLabel("The same again").fill(password);
        await press("Set password and sign in");
        await page.getByLabel("What to call the new one").fill("my <b>laptop</b>");
        await press("Add a passkey");
        assert.equal(await page.getByRole("status").innerText(), "The passkey is added.");
        assert.equal(await page.getByText("my <b>laptop</b>", { exact: true }).count(), 1);
        const [credential] = await stored();
        assert.equal(credential.rpId, "localhost");
        assert.equal(credential.isResidentCredential, true);
        await button("Add a passkey").click();
        assert.match(await page.getByRole("alert").innerText(), /has a passkey for you already/);
    });

    await world.test("signs in without address and password, and goes on where one wanted to", async () => {
        await signOut();
        await page.goto(`${hub.url}/sign-in?continue=%2Faccount%3Fx%3D1`);
        await press("Sign in with a passkey");
        assert.equal(await heading(), "Your account");
        assert.equal(new URL(page.url()).search, "?x=1");
        assert.match(await page.locator("dl").innerText(), new RegExp(email));
    });

    await world.test("by keyboard", async () => {
        await signOut();
        for (let i = 0; i < 20 && (await page.evaluate(() => document.activeElement.textContent)) !== "Sign in with a passkey"; ++i) await page.keyboard.press("Tab");
        await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
        assert.equal(await heading(), "Your account");
    });

    await world.test("a person who is not verified stays out", async () => {
        await signOut();
        await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
        await button("Sign in with a passkey").click();
        assert.match(await page.getByRole("alert").innerText(), /No passkey was used/);
        await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
        assert.equal(await heading(), "Sign in");
    });

    await world.test("an answer counts once, and only for the browser that was asked", async () => {
        const sent = page.waitForRequest(`${hub.url}/passkeys/sign-in`);
        await press("Sign in with a passkey");
        const form = (await sent).postData();
        assert.equal(await heading(), "Your account");
        await signOut();
        const again = await page.request.post(`${hub.url}/passkeys/sign-in`, { data: form, headers: { Origin: hub.url, "Content-Type": "application/x-www-form-urlencoded" }, maxRedirects: 0 });
        assert.equal(again.status(), 403);
        assert.match(await again.text(), /took too long/);
        const stranger = await open();
        const other = await stranger.request.post(`${hub.url}/passkeys/sign-in`, { data: form, headers: { Origin: hub.url, "Content-Type": "application/x-www-form-urlencoded" }, maxRedirects: 0 });
        assert.equal(other.status(), 403);
        await stranger.context().close();
    });

    await world.test("a copied key is noticed", async () => {
        const [credential] = await stored();
        await devtools.send("WebAuthn.removeCredential", { authenticatorId, credentialId: credential.credentialId });
        await devtools.send("WebAuthn.addCredential", { authenticatorId, credential: { ...credential, signCount: 0 } });
        await page.goto(`${hub.url}/sign-in`);
        await press("Sign in with a passkey");
        assert.match(await page.getByRole("alert").innerText(), /seems to have been copied/);
        await page.goto(`${hub.url}/account`);
        assert.equal(await heading(), "Sign in", "and nobody is signed in");
        const { entries } = await hub.admin("audit");
        assert.ok(entries.some((entry) => entry.action === "person.sign_in_failed" && entry.result === "passkey_copied"));
        await devtools.send("WebAuthn.removeCredential", { authenticatorId, credentialId: credential.credentialId });
        await devtools.send("WebAuthn.addCredential", { authenticatorId, credential: { ...credential, signCount: 1000 } });
    });

    await world.test("one that was removed signs in no more", async () => {
        await page.goto(`${hub.url}/sign-in`);
        await press("Sign in with a passkey");
        await press("Remove my <b>laptop</b>");
        assert.equal(await page.getByRole("status").innerText(), "The passkey is removed.");
        await signOut();
        await press("Sign in with a passkey");
        assert.match(await page.getByRole("alert").innerText(), /not one of this hub/);
    });
});

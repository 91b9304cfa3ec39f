// The hub's pages in a real browser: by keyboard alone, in light and dark, on a phone; and a page of somebody else.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";

import { Authority } from "../support/certificates.mjs";
import { startWorld } from "../support/harness.mjs";
import { startChromium } from "./chromium.mjs";

const email = "ada@example.org";
const password = "correct horse battery";

/** What makes text readable: the least contrast of a text with the ground below it (WCAG 2.2 §1.4.3), and what sticks out. */
function look() {
    const rgb = (colour) => colour.match(/[\d.]+/g).map(Number);
    const light = ([r, g, b]) => {
        const [R, G, B] = [r, g, b].map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * R + 0.7152 * G + 0.0722 * B;
    };
    const ground = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const colour = rgb(getComputedStyle(at).backgroundColor);
            if (colour.length < 4 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    let least = Infinity;
    for (const element of document.querySelectorAll("h1, h2, p, label, dt, dd, button, header, input, a, code")) {
        const [a, b] = [light(rgb(getComputedStyle(element).color)), light(ground(element))].sort((x, y) => y - x);
        least = Math.min(least, (a + 0.05) / (b + 0.05));
    }
    const { scrollWidth, clientWidth } = document.documentElement;
    const small = [...document.querySelectorAll("button, a.button")].filter((one) => one.getBoundingClientRect().height < 44).length;
    return { least, sticksOut: scrollWidth - clientWidth, small, ground: getComputedStyle(document.body).backgroundColor };
}

test("people in Chromium", async (t) => {
    const world = await startWorld(t, { machines: 0 });
    const { hub } = world;
    const { open } = await startChromium(t, world);
    const page = await open();
    const tab = () => page.keyboard.press("Tab");
    const type = (text) => page.keyboard.type(text);
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
    /** Enter, and the page that comes of it. */
    const enter = () => Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
    /** Tab until that has the focus, as a person would. */
    const tabTo = async (wanted) => {
        for (let i = 0; i < 20; ++i) {
            if ((await focused()) === wanted) return;
            await tab();
        }
        assert.fail(`${wanted} cannot be reached by keyboard`);
    };
    const heading = () => page.locator("h1").innerText();

    await world.test("the first sign-in, by keyboard", async () => {
        await page.goto(hub.url + hub.credentials.sign_in_link);
        await tabTo("email");
        await type(email);
        await tabTo("new_password");
        await type(password);
        await tabTo("repeated_password");
        await type(password);
        await tab();
        assert.equal(await focused(), "Set password and sign in");
        await enter();
        assert.equal(new URL(page.url()).pathname, "/account");
        assert.equal(await heading(), "Your account");
    });

    await world.test("out, in with a wrong password, in with the right one, by keyboard", async () => {
        await tabTo("Sign out");
        const shown = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
        assert.equal(shown, "solid", "the focus is to be seen");
        await enter();
        assert.equal(await heading(), "Sign in");
        assert.equal(await focused(), "email", "ready to be typed in");
        await type(email);
        await tab();
        await type("correct horse batterx");
        await enter();
        assert.match(await page.getByRole("alert").innerText(), /is wrong/);
        assert.equal(await focused(), "password", "the address need not be typed again");
        assert.equal(await page.getByLabel("E-mail address").inputValue(), email);
        await type(password);
        await enter();
        assert.equal(await heading(), "Your account");
        const cookies = await page.context().cookies();
        const session = cookies.find((one) => one.name === `codez_${hub.port}`);
        assert.equal(session.httpOnly, true);
        assert.equal(session.sameSite, "Lax");
        assert.equal(await page.evaluate(() => document.cookie), "", "scripts see no cookie");
    });

    await world.test("another password, by keyboard", async () => {
        await tabTo("password");
        await type(password);
        await tabTo("new_password");
        await type(`${password} 2`);
        await tabTo("repeated_password");
        await type(`${password} 2`);
        await enter();
        assert.equal(await page.getByRole("status").innerText(), "The password is changed.");
    });

    await world.test("a form of another page of this machine does nothing", async () => {
        // Ports are no part of a site: the browser sends the cookie along, and only Origin tells.
        const html = `<form method="post" action="${hub.url}/sign-out"><input name="form_token" value="x"></form><script>document.forms[0].submit()</script>`;
        const other = createServer((_, response) => response.writeHead(200, { "Content-Type": "text/html" }).end(html)).listen(0, "127.0.0.1");
        world.closers.push(() => new Promise((done) => other.close(done)));
        await new Promise((done) => other.once("listening", done));
        const answered = page.waitForResponse((response) => response.url() === `${hub.url}/sign-out`);
        await page.goto(`http://127.0.0.1:${other.address().port}/`, { waitUntil: "commit" });
        const response = await answered;
        assert.equal(response.status(), 403);
        assert.match((await response.request().allHeaders()).cookie ?? "", new RegExp(`codez_${hub.port}=`), "the cookie came along");
        await response.finished();
        other.closeAllConnections();
        await page.goto(`${hub.url}/account`);
        assert.equal(await heading(), "Your account");
    });

    await world.test("readable in light and dark, and nothing sticks out on a phone", async () => {
        const { link } = await hub.admin("sign-in-link", "--public-url", hub.url);
        const { link: invitation } = await hub.admin("invite", "--email", `${"long".repeat(15)}@example.org`, "--public-url", hub.url);
        const paths = ["/account", "/sign-in?again=1", "/welcome?link=x", link, invitation];
        const grounds = new Set();
        for (const colorScheme of ["light", "dark"])
            for (const width of [320, 390, 1280]) {
                await page.emulateMedia({ colorScheme });
                await page.setViewportSize({ width, height: 700 });
                for (const path of paths) {
                    await page.goto(new URL(path, hub.url).href);
                    const seen = await page.evaluate(look);
                    const where = `${path} ${colorScheme} ${width}: ${JSON.stringify(seen)}`;
                    assert.ok(seen.least >= 4.5, where);
                    assert.equal(seen.sticksOut, 0, where);
                    assert.equal(seen.small, 0, where);
                    grounds.add(`${colorScheme} ${seen.ground}`);
                }
            }
        assert.equal(grounds.size, 2, [...grounds].join());
    });
});

test("over TLS a browser takes the cookies that no other host can set", async (t) => {
    const certified = async (world) => {
        const authority = await Authority.make(world.dir);
        return { tls: { ...(await authority.issue("hub")), ca: authority.file } };
    };
    const world = await startWorld(t, { machines: 0, hub: certified });
    const { open } = await startChromium(t, world);
    const page = await open({ ignoreHTTPSErrors: true });
    await page.goto(world.hub.url + world.hub.credentials.sign_in_link);
    await page.getByLabel("E-mail address").fill(email);
    await page.getByLabel("New password").fill(password);
    await page.getByLabel("The same again").fill(password);
    await Promise.all([page.waitForEvent("load"), page.getByRole("button").click()]);
    assert.equal(await page.locator("h1").innerText(), "Your account");
    const cookies = await page.context().cookies();
    assert.deepEqual(cookies.map((one) => one.name).sort(), ["__Host-codez", "__Host-codez-visitor"]);
    for (const one of cookies) assert.deepEqual([one.secure, one.httpOnly, one.sameSite, one.path], [true, true, "Lax", "/"], one.name);
});

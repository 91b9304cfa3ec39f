// A person connects an application in a real Chromium, by keyboard alone: the SDK registers itself, the browser signs in and
// decides, the redirect gets through the page's own policy. axe-core looks at each page.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

import axe from "axe-core";

import { startWorld } from "../support/harness.mjs";
import { Person } from "../support/person.mjs";
import { within } from "../support/wait.mjs";
import { startChromium } from "./chromium.mjs";
import { Provider, sdks } from "./oauth_provider.mjs";

/** An application's end of the redirect: {url, next()}, where next() is the URL that the browser came to. */
async function startCallback(world) {
    const server = createServer((request, response) => {
        if (request.url.startsWith("/callback")) server.emit("callback", new URL(request.url, url));
        response.writeHead(200, { "content-type": "text/html" }).end('<link rel="icon" href="data:,"><p>You may close this page.</p>');
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    world.closers.push(() => {
        server.close();
        server.closeAllConnections();
    });
    const url = `http://127.0.0.1:${server.address().port}/callback`;
    return { url, next: () => within(once(server, "callback"), "the browser to come back").then(([came]) => came) };
}

test("an application is connected in Chromium", async (t) => {
    const world = await startWorld(t, { machines: 0 });
    const { hub } = world;
    const { email, password } = await Person.owner(hub);
    const callback = await startCallback(world);
    const { open } = await startChromium(t, world);
    const page = await open();
    const sdk = sdks["SDK v1"];
    const focused = () => page.evaluate(() => document.activeElement.textContent || document.activeElement.name);
    /** Tab until that has the focus, as a person would. */
    const tabTo = async (wanted) => {
        for (let i = 0; i < 40; ++i) {
            if ((await focused()) === wanted) return;
            await page.keyboard.press("Tab");
        }
        assert.fail(`${wanted} cannot be reached by keyboard`);
    };
    const heading = () => page.locator("h1").innerText();
    const faults = async () => {
        await page.evaluate(axe.source);
        const { violations } = await page.evaluate(() => globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
        return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" ")}`);
    };
    /** Enter, and where the browser comes to. */
    const enterAndLeave = async () => {
        const [came] = await Promise.all([callback.next(), page.keyboard.press("Enter")]);
        return came;
    };
    // What an application does until it needs the person.
    const begin = async () => {
        const provider = new Provider();
        provider.redirectUrl = callback.url;
        const client = new sdk.Client({ name: "codez-test", version: "1" });
        const transport = new sdk.Transport(new URL(hub.mcpUrl), { authProvider: provider });
        await assert.rejects(client.connect(transport), sdk.Unauthorized);
        return { provider, transport, url: provider.asked.at(-1).href };
    };
    const connected = async ({ provider, transport }, came) => {
        assert.equal(came.searchParams.get("state"), provider.lastState);
        await sdk.finish(transport, came);
        const client = new sdk.Client({ name: "codez-test", version: "1" });
        await client.connect(new sdk.Transport(new URL(hub.mcpUrl), { authProvider: provider }));
        const { tools } = await client.listTools();
        await client.close();
        return tools.map((tool) => tool.name);
    };

    await world.test("signing in and allowing, by keyboard", async () => {
        const begun = await begin();
        await page.goto(begun.url);
        assert.equal(await heading(), "Sign in");
        await tabTo("email");
        await page.keyboard.type(email);
        await tabTo("password");
        await page.keyboard.type(password);
        await Promise.all([page.waitForURL(/\/consent/), page.keyboard.press("Enter")]);
        assert.equal(await heading(), "Allow access?");
        assert.match(await page.locator("main").innerText(), /An SDK's app wants to use your machines/);
        assert.deepEqual(await faults(), []);
        await tabTo("Allow");
        const shown = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
        assert.equal(shown, "solid", "the focus is to be seen");
        const names = await connected(begun, await enterAndLeave());
        assert.ok(names.includes("create_session"), names.join());
        assert.equal(await page.locator("p").innerText(), "You may close this page.");
    });

    await world.test("taking a tick away with the space bar gives less", async () => {
        const begun = await begin();
        await page.goto(begun.url);
        await tabTo("scope:sessions:write");
        await page.keyboard.press("Space");
        await tabTo("Allow");
        const names = await connected(begun, await enterAndLeave());
        assert.ok(!names.includes("create_session") && names.includes("list_sessions"), names.join());
        assert.ok(!begun.provider.saved.scope.includes("sessions:write"));
    });

    await world.test("refusing, by keyboard", async () => {
        const begun = await begin();
        await page.goto(begun.url);
        await tabTo("Refuse");
        const came = await enterAndLeave();
        assert.equal(came.searchParams.get("error"), "access_denied");
        assert.equal(came.searchParams.get("state"), begun.provider.lastState);
    });

    await world.test("the pages, in light and dark, wide and on a phone", async () => {
        const { url } = await begin();
        for (const colorScheme of ["light", "dark"])
            for (const viewport of [{ width: 1280, height: 900 }, { width: 320, height: 640 }])
                for (const path of [url, "/connections", "/authorize"]) {
                    const what = `${colorScheme} ${viewport.width} ${path}`;
                    await page.emulateMedia({ colorScheme });
                    await page.setViewportSize(viewport);
                    await page.goto(new URL(path, hub.url).href);
                    assert.deepEqual(await faults(), [], what);
                    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), `${what}: something sticks out`);
                }
    });

    await world.test("what was allowed is withdrawn, by keyboard", async () => {
        await page.goto(`${hub.url}/connections`);
        const before = await page.locator("h2").count();
        assert.ok(before > 0);
        await tabTo("Withdraw access");
        await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
        assert.match(await page.getByRole("status").innerText(), /no access any more/);
        assert.equal(await page.locator("h2").count(), before - 1);
    });
});

// Debian's Chromium without a screen, driven over its debugging protocol. Whatever a page reports as an error fails the test.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";

import { chromium } from "playwright-core";

const program = process.env.CHROMIUM_BIN ?? "/usr/bin/chromium";

/** A browser that ends with the test: {browser, open}. */
export async function startChromium(t, world) {
    assert.ok(existsSync(program), `${program} is not there: run tools/test, which installs what the tests need`);
    const browser = await chromium.launch({ executablePath: program, headless: true, env: { HOME: world.home, PATH: process.env.PATH, LANG: "C.UTF-8" } });
    world.closers.push(() => browser.close());
    const problems = [];
    t.after(() => assert.deepEqual(problems, []));

    /** A page with cookies of its own. */
    const open = async (options = {}) => {
        const context = await browser.newContext(options);
        const page = await context.newPage();
        page.setDefaultTimeout(20_000);
        page.on("pageerror", (error) => problems.push(String(error)));
        page.on("requestfailed", (request) => {
            const why = request.failure()?.errorText;
            if (why !== "net::ERR_ABORTED") problems.push(`${request.url()}: ${why}`); // that: the page was left before
        });
        // Chromium says so of each answer that is no success; which ones are meant is the test's to judge.
        page.on("console", (message) => {
            if (message.type() === "error" && !/^Failed to load resource: the server responded with a status of 4\d\d/.test(message.text())) problems.push(message.text());
        });
        return page;
    };
    return { browser, open };
}

// A person with a browser, who has an account on a hub and decides there what applications may do.

import assert from "node:assert/strict";

import { Browser } from "./browser.mjs";

const password = "correct horse battery";
const has = (page, action) => page.forms.some((form) => form.action === action);

export class Person {
    /** The owner of the hub's first workspace, who comes in by the link that `codez-hub init` gave, and is signed in. */
    static async owner(hub) {
        const one = new Person(hub, "ada@example.org");
        await one.comeBy(hub.credentials.sign_in_link);
        return one;
    }

    constructor(hub, email) {
        this.browser = new Browser(hub.url);
        this.email = email;
        this.password = password;
    }

    /** By a one-time link, with a first password. */
    async comeBy(link, more = {}) {
        const page = await this.browser.submit(await this.browser.go(link), { email: this.email, new_password: password, repeated_password: password, ...more });
        assert.equal(page.status, 200, page.text);
    }

    async signOut() {
        await this.browser.submit(await this.browser.go("/account"), {}, { action: "/sign-out" });
    }

    signIn(page, options) {
        return this.browser.submit(page, { email: this.email, password }, options);
    }

    /** What an application's URL shows, after signing in where that is asked for: a page, or {left} that leads away at once. */
    async open(url) {
        const page = await this.browser.go(url, { away: true });
        return has(page, "/sign-in") ? this.signIn(page, { away: true }) : page;
    }

    /** Answers the page that asks; the URL that the browser is sent to. `scopes`: only these are allowed; `workspace`: its id, or * for all. */
    async decide(page, { allow = true, scopes, workspace } = {}) {
        assert.ok(has(page, "/consent"), `not the page that asks: ${page.status} ${page.text}`);
        const { fields } = page.forms.find((form) => form.action === "/consent");
        const untick = scopes ? Object.keys(fields).filter((name) => name.startsWith("scope:") && !scopes.includes(name.slice("scope:".length))) : [];
        const values = Object.fromEntries((scopes ?? []).map((scope) => [`scope:${scope}`, "on"]));
        if (workspace) values.workspace = workspace;
        const answer = await this.browser.submit(page, values, { action: "/consent", press: allow ? "allow" : "refuse", untick, away: true });
        assert.ok(answer.left, `not sent back: ${answer.status} ${answer.text}`);
        assert.equal(answer.status, 303);
        return answer.left;
    }

    /** All of it: where an application's URL ends, by whatever is asked on the way. */
    async answer(url, choice) {
        const page = await this.open(url);
        return page.left ?? this.decide(page, choice);
    }
}

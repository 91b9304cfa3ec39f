// A browser without a screen: keeps cookies, follows redirects, fills in the forms that a page really has, and sends what
// browsers send. For pages that need no script.

import assert from "node:assert/strict";

const unescape = (text) => text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name) => ({ amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" })[name]);
const attributes = (tag) => Object.fromEntries([...tag.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name, unescape(value)]));

/** The forms of a page: [{method, action, fields, unticked, buttons}]. `fields` is what a browser would send as the form stands. */
export function formsOf(html) {
    return [...html.matchAll(/<form ([^>]*)>([\s\S]*?)<\/form>/g)].map(([, tag, inside]) => {
        const fields = {};
        const unticked = {};
        for (const [, input] of inside.matchAll(/<input ([^>]*)>/g)) {
            const { name, type, value = "" } = attributes(input);
            const sent = !/^(checkbox|radio)$/.test(type) || / checked\b/.test(input);
            if (name) (sent ? fields : unticked)[name] = value;
        }
        const buttons = [...inside.matchAll(/<button ([^>]*)>/g)].map(([, button]) => attributes(button));
        return { ...attributes(tag), fields, unticked, buttons };
    });
}

export class Browser {
    cookies = new Map();

    /** `address` is what a reverse proxy would tell. */
    constructor(url, { address } = {}) {
        this.url = url;
        this.address = address;
    }

    /** One request, redirects not followed: {status, headers, text, forms}. */
    async request(path, { method = "GET", form, headers = {} } = {}) {
        const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
        const sent = {
            ...(cookie && { Cookie: cookie }),
            ...(this.address && { "X-Forwarded-For": this.address }),
            ...(form && { Origin: this.url, "Content-Type": "application/x-www-form-urlencoded" }),
            ...headers,
        };
        for (const [name, value] of Object.entries(sent)) if (value === null) delete sent[name];
        const body = form === undefined ? undefined : typeof form === "string" ? form : new URLSearchParams(form).toString();
        const response = await fetch(new URL(path, this.url), { method: form === undefined ? method : "POST", headers: sent, body, redirect: "manual" });
        for (const line of response.headers.getSetCookie()) this.keep(line);
        const text = await response.text();
        return { status: response.status, headers: response.headers, text, forms: formsOf(text), cookies: response.headers.getSetCookie() };
    }

    keep(line) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
        if (/; Max-Age=0(;|$)/.test(line)) this.cookies.delete(name);
        else this.cookies.set(name, value);
    }

    /** Goes there as a person would, through redirects inside the hub. With `away` it may lead out of it: {left: URL, …}. */
    async go(path, { away = false, ...options } = {}) {
        let answer = await this.request(path, options);
        for (let hops = 0; answer.status === 303; ++hops) {
            assert.ok(hops < 5, "redirects without end");
            this.at = new URL(answer.headers.get("location"), this.url);
            if (away && this.at.origin !== this.url) return { ...answer, left: this.at };
            assert.equal(this.at.origin, this.url, `a redirect to ${this.at}`);
            answer = await this.request(this.at.pathname + this.at.search);
        }
        return answer;
    }

    /**
     * Fills in the page's form that has all these fields (or the only one of that action), and sends it. `press` is the
     * value of the button; `untick` lists the fields whose ticks are taken away.
     */
    async submit(page, values, { action, press, untick = [], ...options } = {}) {
        const has = (form, name) => name in form.fields || name in form.unticked;
        const form = page.forms.find((one) => (!action || one.action === action) && Object.keys(values).every((name) => has(one, name)));
        assert.ok(form, `no form with ${Object.keys(values)} in ${page.text}`);
        const button = form.buttons.find((one) => one.value === press);
        assert.ok(button || press === undefined, `no button ${press} in ${page.text}`);
        const fields = { ...form.fields, ...values, ...(press !== undefined && { [button.name]: press }) };
        for (const name of untick) delete fields[name];
        return this.go(form.action, { form: fields, ...options, headers: { "Sec-Fetch-Site": "same-origin", ...options.headers } });
    }
}

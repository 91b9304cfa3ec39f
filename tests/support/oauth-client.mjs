// An OAuth client by hand: each request of the authorization code grant on its own, so that a test can bend it.

import { createHash, randomBytes } from "node:crypto";

/** For a hub on which more clients register than one address may in an hour. */
export const manyRegistrations = ["--registrations-per-hour", "1000"];

const base64url = (bytes) => bytes.toString("base64url");

/** A code verifier and its S256 challenge (RFC 7636). */
export function pkce() {
    const verifier = base64url(randomBytes(32));
    return { verifier, challenge: base64url(createHash("sha256").update(verifier).digest()) };
}

async function answerOf(response) {
    const text = await response.text();
    let body;
    try {
        body = JSON.parse(text);
    } catch {
        body = undefined; // a page
    }
    return { status: response.status, headers: response.headers, text, body };
}

const without = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

export class OAuthClient {
    /** `id` is of a client that the hub knows; else register() first. */
    constructor(url, { id, redirectUri = "https://app.example.com/callback" } = {}) {
        this.url = url;
        this.id = id;
        this.redirectUri = redirectUri;
    }

    /** A client that has registered itself, with more or other metadata. */
    static async registered(url, { redirectUri, ...metadata } = {}) {
        const one = new OAuthClient(url, { ...(redirectUri && { redirectUri }) });
        const { status, body, text } = await one.register(metadata);
        if (status !== 201) throw new Error(`not registered: ${status} ${text}`);
        one.id = body.client_id;
        one.secret = body.client_secret;
        return one;
    }

    async register(metadata = {}) {
        const body = { client_name: "An app", redirect_uris: [this.redirectUri], ...metadata };
        return answerOf(await fetch(`${this.url}/register`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }));
    }

    /** An authorization request, `undefined` takes a parameter out: {url, state, verifier, redirectUri}. */
    begin(parameters = {}) {
        const { verifier, challenge } = pkce();
        const state = base64url(randomBytes(16));
        const all = { response_type: "code", client_id: this.id, redirect_uri: this.redirectUri, state, code_challenge: challenge, code_challenge_method: "S256", resource: `${this.url}/mcp`, ...parameters };
        return { url: `${this.url}/authorize?${new URLSearchParams(without(all))}`, state: all.state, verifier, redirectUri: all.redirect_uri };
    }

    /** A form to one of the endpoints. */
    async post(path, fields, headers = {}) {
        const body = typeof fields === "string" ? fields : new URLSearchParams(without(fields));
        return answerOf(await fetch(`${this.url}${path}`, { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded", ...headers }, body }));
    }

    /** The token endpoint's answer for the code in the callback. */
    redeem(callback, begun, more = {}) {
        return this.post("/token", { grant_type: "authorization_code", client_id: this.id, client_secret: this.secret, code: callback.searchParams.get("code"), redirect_uri: begun.redirectUri, code_verifier: begun.verifier, ...more });
    }

    refresh(token, more = {}) {
        return this.post("/token", { grant_type: "refresh_token", client_id: this.id, client_secret: this.secret, refresh_token: token, ...more });
    }

    revoke(token, more = {}) {
        return this.post("/revoke", { client_id: this.id, client_secret: this.secret, token, ...more });
    }

    /** Tokens by the decision of this person. */
    async tokens(person, { parameters, ...choice } = {}) {
        const begun = this.begin(parameters);
        const { status, body, text } = await this.redeem(await person.answer(begun.url, choice), begun);
        if (status !== 200) throw new Error(`no tokens: ${status} ${text}`);
        return body;
    }
}

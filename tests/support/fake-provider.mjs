// A provider of accounts, scripted: OpenID Connect and GitHub's OAuth in one, over https on loopback. Whoever comes is let in at
// once as `user`. It checks what the hub must prove (its secret, PKCE, the redirect URI), and lies as the test wants.

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import https from "node:https";
import { join } from "node:path";
import tls from "node:tls";

import { Authority } from "./certificates.mjs";

const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");

export class FakeProvider {
    user = "alice";
    number = 583231; // of the user of a GitHub
    visits = []; // the queries of authorization requests
    redeemed = []; // {form, headers} of token requests
    #codes = new Map();

    /** `metadata` is more of it. */
    static async start(certificate, { client = "hub's client", secret = "hub's secret: %&+", metadata = {} } = {}) {
        const one = Object.assign(new FakeProvider(), { client, secret, more: metadata });
        one.reset();
        one.key = generateKeyPairSync("ec", { namedCurve: "P-256" });
        const files = { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) };
        one.server = https.createServer(files, (request, response) => void one.#answer(request, response)).listen(0, "127.0.0.1");
        await once(one.server, "listening");
        one.port = one.server.address().port;
        one.issuer = `https://localhost:${one.port}`;
        return one;
    }

    /** Tells the truth again. */
    reset() {
        this.claims = {}; // of ID tokens, besides the right ones
        this.idToken = (claims) => this.signed(claims);
        this.answer = (params) => params; // what the browser brings back
        this.token = (body) => ({ status: 200, body: JSON.stringify(body) });
        this.profile = () => ({ status: 200, body: JSON.stringify({ id: this.number, login: "<script>alice</script>" }) });
    }

    async stop() {
        this.server.close();
        this.server.closeAllConnections();
        await once(this.server, "close");
    }

    signed(claims, header = {}, key = this.key) {
        const text = `${encode({ alg: "ES256", kid: "one", typ: "JWT", ...header })}.${encode(claims)}`;
        return `${text}.${sign("sha256", Buffer.from(text), { key: key.privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
    }

    async #answer(request, response) {
        const url = new URL(request.url, this.issuer);
        let body = "";
        for await (const piece of request) body += piece;
        const json = (value, status = 200) => response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
        const raw = ({ status, body: text, drip }) => {
            response.writeHead(status, { "Content-Type": "application/json" });
            if (drip) response.write("{"); // and nothing more
            else response.end(text);
        };
        switch (url.pathname) {
            case "/.well-known/openid-configuration":
                return json({ issuer: this.issuer, authorization_endpoint: `${this.issuer}/authorize`, token_endpoint: `${this.issuer}/token`, jwks_uri: `${this.issuer}/jwks`, ...this.more });
            case "/jwks":
                return json({ keys: [{ ...this.key.publicKey.export({ format: "jwk" }), kid: "one", alg: "ES256", use: "sig" }] });
            case "/authorize":
            case "/login/oauth/authorize":
                return this.#letIn(url.searchParams, response);
            case "/token":
            case "/login/oauth/access_token":
                return this.#redeem(new URLSearchParams(body), request, url.pathname.startsWith("/login"), { json, raw });
            case "/api/v3/user":
                if (request.headers.authorization !== "Bearer gho_token" || !request.headers["user-agent"]) return json({}, 401);
                return raw(this.profile());
            default:
                return json({}, 404);
        }
    }

    #letIn(query, response) {
        this.visits.push(Object.fromEntries(query));
        const code = randomBytes(8).toString("hex");
        this.#codes.set(code, Object.fromEntries(query));
        const params = this.answer({ code, state: query.get("state"), ...(this.more.authorization_response_iss_parameter_supported && { iss: this.issuer }) });
        const back = new URL(query.get("redirect_uri"));
        back.search = new URLSearchParams(params);
        response.writeHead(303, { Location: back.href }).end();
    }

    #redeem(form, request, isGitHub, { json, raw }) {
        this.redeemed.push({ form, headers: request.headers });
        const visit = this.#codes.get(form.get("code"));
        this.#codes.delete(form.get("code"));
        const fault = !visit ? "invalid_grant" : this.#findFault(visit, form, request);
        if (fault) return json({ error: fault, error_description: "<script>alert(1)</script>" }, isGitHub ? 200 : 400);
        if (isGitHub) return raw(this.token({ access_token: "gho_token", token_type: "bearer", scope: "" }));
        const now = Math.floor(Date.now() / 1000);
        const claims = { iss: this.issuer, aud: this.client, sub: this.user, nonce: visit.nonce, iat: now, exp: now + 300, ...this.claims };
        return raw(this.token({ access_token: "a token for nobody", token_type: "Bearer", expires_in: 300, id_token: this.idToken(claims) }));
    }

    #findFault(visit, form, request) {
        const methods = this.more.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
        const basic = `Basic ${Buffer.from([this.client, this.secret].map(encodeURIComponent).join(":").replaceAll("'", "%27")).toString("base64")}`;
        const posted = form.get("client_id") === this.client && form.get("client_secret") === this.secret;
        const known = posted ? visit.scope !== "openid" || methods.includes("client_secret_post") : request.headers.authorization === basic && methods.includes("client_secret_basic");
        if (!known) return "invalid_client";
        const challenge = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
        if (challenge !== visit.code_challenge || visit.code_challenge_method !== "S256") return "invalid_grant";
        return form.get("redirect_uri") === visit.redirect_uri && form.get("grant_type") === "authorization_code" ? undefined : "invalid_grant";
    }
}

/** Certificates of a test's own that this process trusts too: {authority, certificate}. */
export async function certifyLoopback(directory) {
    const authority = await Authority.make(directory);
    tls.setDefaultCACertificates([...tls.getCACertificates("default"), readFileSync(authority.file, "utf8")]);
    return { authority, certificate: await authority.issue("provider") };
}

/** The file for --sign-in-providers, and the arguments for a hub that may fetch from those providers. */
export function providersArgs(directory, authority, entries, providers) {
    const file = join(directory, "providers.json");
    writeFileSync(file, JSON.stringify(entries), { mode: 0o600 });
    return ["--sign-in-providers", file, ...providers.flatMap(({ port }) => ["--allow-fetch-from", `localhost:${port}`]), "--fetch-ca", authority.file];
}

/** Presses the provider's button on a page of the hub; where the browser is sent. */
export async function leaveFor(browser, page, id, { values = {}, ...options } = {}) {
    const form = page.forms.find((one) => one.buttons.some((button) => button.name === "provider" && button.value === id) && Object.keys(values).every((name) => name in one.fields));
    assert.ok(form, `no button of ${id}: ${page.text}`);
    return browser.go(form.action, { form: { ...form.fields, ...values, provider: id }, away: true, ...options });
}

/** The way there and back: the page of the hub that it ends on. */
export async function passProvider(browser, page, id, options) {
    const { left, ...stayed } = await leaveFor(browser, page, id, options);
    if (!left) return stayed;
    return browser.go(await callbackOf(left), options);
}

/** What the provider answers to a browser that comes with that URL: the path on the hub. */
export async function callbackOf(url) {
    const response = await fetch(url, { redirect: "manual" });
    assert.equal(response.status, 303, await response.text());
    const back = new URL(response.headers.get("location"));
    return back.pathname + back.search;
}

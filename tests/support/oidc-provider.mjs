// A real authorization server beside the hub: oidc-provider, over https on loopback. Whoever comes to sign in is let in at once
// as `user`, and is asked nothing. Its keys and its port are kept over stop() and start(), what it has issued is not.

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import https from "node:https";
import { createRequire } from "node:module";
import { resolve } from "node:path";

import { freePort } from "./ports.mjs";

const require = createRequire(resolve(import.meta.dirname, "../interop/package.json"));
const { Provider, errors, interactionPolicy } = await import(require.resolve("oidc-provider"));

const scopes = ["mcp:tools", "sessions:read", "machines:read", "sessions:write"];
const callback = "https://client.test/callback";

/** A browser's cookies, as far as one sign-in needs them. */
class Cookies {
    #jar = new Map();

    header() {
        return [...this.#jar].map(([name, value]) => `${name}=${value}`).join("; ");
    }

    take(response) {
        for (const line of response.headers.getSetCookie()) {
            const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
            if (value) this.#jar.set(name, value);
            else this.#jar.delete(name);
        }
    }
}

/** Follows a sign-in as a browser would, to the URL on which the client waits; it is not fetched. */
export async function followSignIn(start, redirectUri) {
    const cookies = new Cookies();
    let url = new URL(start);
    for (let hops = 0; hops < 15; hops++) {
        if (url.href.startsWith(redirectUri)) return url;
        const response = await fetch(url, { redirect: "manual", headers: { cookie: cookies.header() } });
        cookies.take(response);
        const location = response.headers.get("location");
        assert.ok(location, `${url} answers ${response.status} instead of leading on: ${(await response.text()).slice(0, 500)}`);
        url = new URL(location, url);
    }
    throw new Error(`the sign-in goes round in circles: ${url}`);
}

export class OidcProvider {
    user = "alice";
    claims = {}; // of access tokens, besides the standard ones
    signIn = undefined; // from the next start() on: the redirect URI at which people of this provider sign in

    /** `certificate`: {cert, key}, files; `format`: "jwt" or "opaque"; `resources()`: for whom it gives tokens, the first by default. */
    static async start({ certificate, format = "jwt", resources }) {
        const one = new OidcProvider();
        one.certificate = { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) };
        one.format = format;
        one.resources = resources;
        one.port = await freePort();
        one.issuer = `https://localhost:${one.port}`;
        one.newKeys();
        await one.start();
        return one;
    }

    /** For the next start(). */
    newKeys() {
        this.signingKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
        this.kid = randomBytes(8).toString("hex");
    }

    async start() {
        const provider = new Provider(this.issuer, this.#configuration());
        provider.use((ctx, next) => this.#letIn(provider, ctx, next));
        this.server = https.createServer(this.certificate, provider.callback()).listen(this.port, "localhost");
        await once(this.server, "listening");
    }

    async stop() {
        this.server.close();
        this.server.closeAllConnections();
        await once(this.server, "close");
    }

    #configuration() {
        const ttl = 300;
        return {
            jwks: { keys: [{ ...this.signingKey.export({ format: "jwk" }), kid: this.kid, alg: "ES256", use: "sig" }] },
            cookies: { keys: [randomBytes(16).toString("hex")] },
            clients: [
                { client_id: "hub", client_secret: "hub's secret: %&+", ...(this.signIn ? { redirect_uris: [this.signIn] } : { grant_types: [], redirect_uris: [], response_types: [] }), token_endpoint_auth_method: "client_secret_basic" },
                { client_id: "test", token_endpoint_auth_method: "none", redirect_uris: [callback], grant_types: ["authorization_code"], response_types: ["code"] },
            ],
            clientDefaults: { application_type: "native", id_token_signed_response_alg: "ES256" }, // native: ports of loopback redirects may change
            clientAuthMethods: ["none", "client_secret_basic"],
            scopes: ["openid", "offline_access", ...scopes],
            extraClientMetadata: { properties: ["x_unused"], validator: (_ctx, _name, _value, metadata) => void delete metadata.scope }, // no ceiling
            pkce: { required: () => true },
            issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed("refresh_token"),
            findAccount: async (_ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
            extraTokenClaims: async () => this.claims,
            ttl: { AccessToken: ttl, AuthorizationCode: 60, RefreshToken: 3600, Grant: 3600, Session: 3600, Interaction: 600, IdToken: ttl },
            features: {
                devInteractions: { enabled: false },
                registration: { enabled: true, initialAccessToken: false },
                revocation: { enabled: true },
                introspection: { enabled: true, allowedPolicy: async (_ctx, client) => client.clientId === "hub" },
                resourceIndicators: {
                    enabled: true,
                    defaultResource: async () => this.resources()[0],
                    useGrantedResource: async () => true,
                    getResourceServerInfo: async (_ctx, resource) => {
                        if (!this.resources().includes(resource)) throw new errors.InvalidTarget();
                        return { scope: scopes.join(" "), audience: resource, accessTokenTTL: ttl, accessTokenFormat: this.format, jwt: { sign: { alg: "ES256" } } };
                    },
                },
            },
            interactions: { policy: interactionPolicy.base(), url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
            renderError: async (ctx, out) => (ctx.body = out),
        };
    }

    // In the place of pages: signs in, and grants whatever is asked for.
    async #letIn(provider, ctx, next) {
        if (!ctx.path.startsWith("/interaction/")) return next();
        const { prompt, params, session, grantId } = await provider.interactionDetails(ctx.req, ctx.res);
        const result = {};
        if (prompt.name === "login") result.login = { accountId: this.user };
        if (prompt.name === "consent") {
            const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
            if (prompt.details.missingOIDCScope) grant.addOIDCScope(prompt.details.missingOIDCScope.join(" "));
            for (const [resource, missing] of Object.entries(prompt.details.missingResourceScopes ?? {})) grant.addResourceScope(resource, missing.join(" "));
            result.consent = { grantId: await grant.save() };
        }
        ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission: true }));
    }

    /** An access token of `user`, by the way of a browser. */
    async token({ scope = "mcp:tools", resource = this.resources()[0] } = {}) {
        const verifier = randomBytes(32).toString("base64url");
        const challenge = createHash("sha256").update(verifier).digest("base64url");
        const start = new URL(`${this.issuer}/auth`);
        start.search = new URLSearchParams({ response_type: "code", client_id: "test", redirect_uri: callback, scope, resource, code_challenge: challenge, code_challenge_method: "S256" });
        const code = (await followSignIn(start, callback)).searchParams.get("code");
        const form = new URLSearchParams({ grant_type: "authorization_code", client_id: "test", redirect_uri: callback, code, code_verifier: verifier, resource });
        const response = await fetch(`${this.issuer}/token`, { method: "POST", body: form });
        const body = await response.json();
        assert.equal(response.status, 200, JSON.stringify(body));
        return body.access_token;
    }

    async revoke(token) {
        const response = await fetch(`${this.issuer}/token/revocation`, { method: "POST", body: new URLSearchParams({ token, client_id: "test" }) });
        assert.equal(response.status, 200);
    }

    /** A token by the server's own key, with whatever claims: what a server would not issue, or not now. */
    forge(claims, header = {}) {
        const now = Math.floor(Date.now() / 1000);
        const all = { iss: this.issuer, sub: this.user, aud: this.resources()[0], client_id: "test", scope: "mcp:tools", iat: now, exp: now + 300, ...claims };
        const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
        const text = `${encode({ typ: "at+jwt", alg: "ES256", kid: this.kid, ...header })}.${encode(all)}`;
        return `${text}.${sign("sha256", Buffer.from(text), { key: this.signingKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
    }
}

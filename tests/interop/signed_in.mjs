// The official TypeScript SDKs, signed in at another authorization server by what they find out themselves.

import assert from "node:assert/strict";

import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2, UnauthorizedError as UnauthorizedV2 } from "@modelcontextprotocol/client";
import { UnauthorizedError as UnauthorizedV1 } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as TransportV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { followSignIn } from "../support/oidc-provider.mjs";

const redirectUrl = "http://127.0.0.1:7171/callback";

/** What an SDK asks its application for; the browser comes at once to where it is sent. */
class Application {
    redirectUrl = redirectUrl;
    clientMetadata = { client_name: "codez-test", redirect_uris: [redirectUrl], grant_types: ["authorization_code", "refresh_token"], response_types: ["code"], token_endpoint_auth_method: "none" };
    clientInformation = () => this.client;
    saveClientInformation = (client) => void (this.client = client);
    tokens = () => this.kept;
    saveTokens = (tokens) => void (this.kept = tokens);
    saveCodeVerifier = (verifier) => void (this.verifier = verifier);
    codeVerifier = () => this.verifier;
    redirectToAuthorization = (url) => void (this.sentTo = url);
    discoveryState = () => this.discovered;
    saveDiscoveryState = (state) => void (this.discovered = state);
}

export const sdks = [
    { name: "v1", Client: ClientV1, Transport: TransportV1, Unauthorized: UnauthorizedV1, finish: (transport, back) => transport.finishAuth(back.searchParams.get("code")) },
    { name: "v2", Client: ClientV2, Transport: TransportV2, Unauthorized: UnauthorizedV2, finish: (transport, back) => transport.finishAuth(back.searchParams) },
];

/** A client that was sent away to sign in, and came back. */
export async function signedIn({ Client, Transport, Unauthorized, finish }, url, issuer) {
    const application = new Application();
    const first = new Transport(new URL(url), { authProvider: application });
    await assert.rejects(new Client({ name: "codez-test", version: "1" }).connect(first), Unauthorized);
    assert.equal(application.sentTo.origin, issuer);
    await finish(first, await followSignIn(application.sentTo, redirectUrl));
    const client = new Client({ name: "codez-test", version: "1" });
    await client.connect(new Transport(new URL(url), { authProvider: application }));
    return client;
}

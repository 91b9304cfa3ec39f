// An OAuthClientProvider for both TypeScript SDKs, as their documentation describes it: it remembers what it is given. The
// SDK does all the rest; a person answers in the browser.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2, UnauthorizedError as UnauthorizedV2, auth as authV2 } from "@modelcontextprotocol/client";
import { UnauthorizedError as UnauthorizedV1, auth as authV1 } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as TransportV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

export const sdks = {
    "SDK v1": { Client: ClientV1, Transport: TransportV1, Unauthorized: UnauthorizedV1, auth: authV1, finish: (transport, { searchParams }) => transport.finishAuth(searchParams.get("code")) },
    // The newer one checks who answered (RFC 9207), so it wants all of the answer.
    "SDK v2": { Client: ClientV2, Transport: TransportV2, Unauthorized: UnauthorizedV2, auth: authV2, finish: (transport, { searchParams }) => transport.finishAuth(searchParams) },
};

export class Provider {
    redirectUrl = "http://127.0.0.1:43117/callback";
    asked = []; // the URLs that a browser was to open

    /** `documentUrl`: the client's id is this URL. `client`: the client is registered already. Else it registers itself. */
    constructor({ documentUrl, client } = {}) {
        this.clientMetadataUrl = documentUrl;
        this.client = client;
    }

    get clientMetadata() {
        return { client_name: "An SDK's app", redirect_uris: [this.redirectUrl], grant_types: ["authorization_code", "refresh_token"], response_types: ["code"], token_endpoint_auth_method: "none" };
    }

    state() {
        return (this.lastState = randomUUID());
    }

    clientInformation() {
        return this.client;
    }

    saveClientInformation(client) {
        this.client = client;
    }

    tokens() {
        return this.saved;
    }

    saveTokens(tokens) {
        this.saved = tokens;
    }

    redirectToAuthorization(url) {
        this.asked.push(new URL(url));
    }

    saveCodeVerifier(verifier) {
        this.verifier = verifier;
    }

    codeVerifier() {
        return this.verifier;
    }

    saveDiscoveryState(state) {
        this.discovered = state;
    }

    discoveryState() {
        return this.discovered;
    }

    invalidateCredentials(scope) {
        if (scope === "all" || scope === "discovery") this.discovered = undefined;
        if (scope === "all" || scope === "client") this.client = undefined;
        if (scope === "all" || scope === "tokens") this.saved = undefined;
        if (scope === "all" || scope === "verifier") this.verifier = undefined;
    }
}

/** Where the browser ends when the person answers what the provider asked for last. */
export async function answered(provider, person, choice) {
    const callback = await person.answer(provider.asked.at(-1).href, choice);
    assert.equal(callback.searchParams.get("state"), provider.lastState);
    return callback;
}

/** A client of the SDK that is connected to `url` after the person has answered. */
export async function connectByOAuth(sdk, url, provider, person, choice) {
    const begin = () => {
        const client = new sdk.Client({ name: "codez-test", version: "1" });
        const transport = new sdk.Transport(new URL(url), { authProvider: provider });
        return { client, transport, connecting: client.connect(transport) };
    };
    const first = begin();
    await assert.rejects(first.connecting, sdk.Unauthorized);
    await sdk.finish(first.transport, await answered(provider, person, choice));
    await first.client.close();
    const second = begin();
    await second.connecting;
    return second.client;
}

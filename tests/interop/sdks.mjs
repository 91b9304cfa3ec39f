// The official TypeScript SDKs as clients of a hub: connected, with `call(tool, args)` that gives the tool's value.

import assert from "node:assert/strict";

import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from "@modelcontextprotocol/client";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as TransportV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";

const implementation = { name: "codez-test", version: "1" };

async function connected(client, Transport, url, key) {
    const requestInit = { headers: { authorization: `Bearer ${key}` } };
    await client.connect(new Transport(new URL(url), { requestInit }));
    await client.listTools(); // makes the SDK check every result against its output schema
    client.call = async (name, args = {}) => {
        const result = await client.callTool({ name, arguments: args });
        assert.notEqual(result.isError, true, JSON.stringify(result));
        return result.structuredContent;
    };
    return client;
}

/** `onForm(params, signal)`, in both: gives the ElicitResult of a form; the signal tells that it was taken back. Without it the client has no forms. */
export function connectV1(url, key, onForm) {
    const client = new ClientV1(implementation, onForm && { capabilities: { elicitation: {} } });
    if (onForm) client.setRequestHandler(ElicitRequestSchema, (request, extra) => onForm(request.params, extra.signal));
    return connected(client, TransportV1, url, key);
}

/** `mode`: "legacy", "auto", {pin}, or undefined, which is the SDK's default. */
export function connectV2(url, key, mode, onForm) {
    const client = new ClientV2(implementation, { ...(mode && { versionNegotiation: { mode } }), ...(onForm && { capabilities: { elicitation: {} } }) });
    if (onForm) client.setRequestHandler("elicitation/create", (request, context) => onForm(request.params, context.mcpReq.signal));
    return connected(client, TransportV2, url, key);
}

export const eras = [
    { name: "legacy", mode: undefined, revision: "2025-11-25" },
    { name: "auto", mode: "auto", revision: "2026-07-28" },
    { name: "pinned", mode: { pin: "2026-07-28" }, revision: "2026-07-28" },
];

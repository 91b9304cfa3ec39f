// What a client really says to the hub: a proxy that keeps, of every request, what tells the era that it speaks.

import { startProxy } from "../support/proxy.mjs";
import { watchMessages } from "../support/schema-check.mjs";

const claim = "io.modelcontextprotocol/protocolVersion";

/** One request: the verb, the method and revision in the body, and the headers of its era. */
function noted(verb, headers, body) {
    const message = body.length > 0 ? JSON.parse(body) : {};
    const header = (name) => headers.get(name) ?? undefined;
    return {
        verb,
        message: message.method,
        claimed: message.params?._meta?.[claim],
        header: { version: header("mcp-protocol-version"), method: header("mcp-method"), session: header("mcp-session-id") },
    };
}

/** A proxy to the hub that ends with the test `t`: {url, requests}. Its messages are held against their schemas. */
export async function startWire(t, world) {
    const requests = [];
    const schemas = watchMessages();
    const watch = {
        begin(verb, headers, body, ...answered) {
            requests.push(noted(verb, headers, body));
            return schemas.begin(verb, headers, body, ...answered);
        },
    };
    const proxy = await startProxy(world.hub.port, { watch });
    t.after(() => proxy.close());
    return { url: proxy.url, requests };
}

/** The revisions that the tool calls among the requests were made in. */
export function revisionsOf(requests) {
    const calls = requests.filter((r) => r.message === "tools/call");
    return [...new Set(calls.map((r) => r.claimed ?? r.header.version))];
}

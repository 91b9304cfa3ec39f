// A minimal MCP client over fetch: one POST a message, answers as JSON or as an event stream. Serves tests and the demo.
// Node 18 or later, no packages.

/** The failure of a tool: the envelope {code, message, hint, retryable, request_id}. */
export class ToolError extends Error {
    constructor(tool, envelope) {
        super(`${tool}: ${envelope.code}: ${envelope.message}`);
        this.envelope = envelope;
        this.code = envelope.code;
    }
}

/** The failure of a request: a JSON-RPC error, or an HTTP status without one. */
export class RpcError extends Error {
    constructor(status, error) {
        super(`HTTP ${status}: ${error?.message ?? "no JSON-RPC error"}`);
        this.status = status;
        this.code = error?.code;
        this.data = error?.data;
    }
}

function* eventsIn(text) {
    for (const block of text.split(/\r?\n\r?\n/)) {
        const data = block.split(/\r?\n/).filter((l) => l.startsWith("data:")).map((l) => l.slice(5).trimStart()).join("\n");
        if (data) yield JSON.parse(data);
    }
}

export class McpClient {
    #id = 0;

    constructor(url, credential, headers = {}) {
        this.url = url;
        this.headers = { ...(credential ? { authorization: `Bearer ${credential}` } : {}), ...headers };
    }

    /** One raw POST: {status, headers, text}. */
    async post(body, { headers = {}, signal } = {}) {
        const response = await fetch(this.url, {
            method: "POST",
            headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...this.headers, ...headers },
            body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
            signal: signal ?? AbortSignal.timeout(150_000),
        });
        return { status: response.status, headers: response.headers, text: await response.text() };
    }

    /** The result of one request. Exactly one answer with the request's id is accepted. */
    async rpc(method, params, options) {
        const id = ++this.#id;
        const { status, headers, text } = await this.post({ jsonrpc: "2.0", id, method, ...(params ? { params } : {}) }, options);
        let messages = [];
        try {
            messages = headers.get("content-type")?.startsWith("text/event-stream") ? [...eventsIn(text)] : [JSON.parse(text)];
        } catch {
            throw new RpcError(status, { message: `not JSON: ${text.slice(0, 300)}` });
        }
        const answers = messages.filter((m) => m.id === id && (m.result !== undefined || m.error !== undefined));
        if (answers.length !== 1 && !messages[0]?.error) throw new Error(`${answers.length} answers to one request: ${text.slice(0, 500)}`);
        const answer = answers[0] ?? messages[0];
        if (answer.error) throw new RpcError(status, answer.error);
        return answer.result;
    }

    /** The whole CallToolResult. */
    callRaw(tool, args = {}, options) {
        return this.rpc("tools/call", { name: tool, arguments: args }, options);
    }

    /** The tool's value; throws ToolError for a failure. structuredContent and the text must say the same. */
    async call(tool, args = {}, options) {
        const result = await this.callRaw(tool, args, options);
        const text = result.content?.find((c) => c.type === "text")?.text;
        if (result.isError) {
            let envelope;
            try {
                envelope = JSON.parse(text);
            } catch {
                envelope = { code: "not an envelope", message: text };
            }
            throw new ToolError(tool, envelope);
        }
        if (JSON.stringify(JSON.parse(text)) !== JSON.stringify(result.structuredContent))
            throw new Error(`${tool}: the text is not what structuredContent says`);
        return result.structuredContent;
    }
}

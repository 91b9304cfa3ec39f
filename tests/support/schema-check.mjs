// Holds every JSON-RPC message that a test exchanges against the published schema of its revision. The harness installs it
// around fetch; other clients are watched on their way (proxy.mjs). A test's end asserts that it found nothing.
//
// What the server sends must be valid whatever it was sent, even if that was no message. What a test sends must be valid if
// the server accepts it, with a result or with 202: tests send bad input on purpose, and that must be refused.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const require = createRequire(resolve(import.meta.dirname, "../interop/package.json"));
const { Ajv } = require("ajv");
const { Ajv2020 } = require("ajv/dist/2020.js");
const addFormats = require("ajv-formats").default;

const schemas = resolve(import.meta.dirname, "../conformance/schema");
const revisions = ["2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];
const stateless = "2025-03-26"; // what a request without version and session is

const versionKey = "io.modelcontextprotocol/protocolVersion";
const tasksExtension = new Set(["tasks/get", "tasks/update", "tasks/cancel", "notifications/tasks"]); // not in the core schema

/** The definitions of one revision, by what they describe. */
export class Schema {
    #ajv;
    #validators = new Map();
    #byMethod = new Map();

    constructor(revision) {
        const schema = JSON.parse(readFileSync(join(schemas, revision, "schema.json"), "utf8"));
        this.revision = revision;
        this.place = schema.$defs ? "$defs" : "definitions";
        this.definitions = schema[this.place];
        this.#ajv = new (schema.$defs ? Ajv2020 : Ajv)({ strict: false, allErrors: false, validateFormats: true });
        addFormats(this.#ajv);
        this.#ajv.addSchema(schema, revision);
        for (const [name, definition] of Object.entries(this.definitions)) {
            const method = definition.properties?.method?.const;
            if (method && /(Request|Notification)$/.test(name)) this.#byMethod.set(method, name);
        }
    }

    #check(name, value, trouble) {
        if (!this.#validators.has(name)) this.#validators.set(name, this.#ajv.compile({ $ref: `${this.revision}#/${this.place}/${name}` }));
        const validate = this.#validators.get(name);
        if (!validate(value)) trouble.push(`${this.revision} ${name}: ${this.#ajv.errorsText(validate.errors).slice(0, 500)}`);
    }

    has(method) {
        return this.#byMethod.has(method);
    }

    #result(method, result, trouble) {
        if (tasksExtension.has(method) || result?.resultType === "task") return this.#check("Result", result, trouble);
        if (result?.resultType === "input_required") return this.#check("InputRequiredResult", result, trouble);
        const name = this.#byMethod.get(method)?.replace(/Request$/, "Result");
        this.#check(name in this.definitions ? name : "EmptyResult", result, trouble);
    }

    /** What is wrong with a message; `methodOf` tells which request an answer is for. */
    problems(message, methodOf) {
        const trouble = [];
        const is = (name, otherwise) => (name in this.definitions ? name : otherwise);
        if (Array.isArray(message)) {
            if (this.revision !== "2025-03-26") return [`${this.revision}: a batch`];
            return message.flatMap((one) => this.problems(one, methodOf));
        }
        if (message?.method !== undefined) {
            this.#check(message.id === undefined ? "JSONRPCNotification" : "JSONRPCRequest", message, trouble);
            const name = this.#byMethod.get(message.method);
            if (name) this.#check(name, message, trouble);
            else if (!tasksExtension.has(message.method)) trouble.push(`${this.revision} has no method ${message.method}`);
        } else if (message?.error !== undefined) {
            // Where no id could be read, JSON-RPC 2.0 §5 says null; the older schemas know no answer without an id.
            const known = message.id === null || message.id === undefined ? { ...message, id: 0 } : message;
            this.#check(is("JSONRPCErrorResponse", "JSONRPCError"), known, trouble);
        } else {
            this.#check(is("JSONRPCResultResponse", "JSONRPCResponse"), message, trouble);
            const method = methodOf(message?.id);
            if (method) this.#result(method, message?.result, trouble);
        }
        return trouble;
    }
}

const loaded = new Map();
export function schemaOf(revision) {
    if (!loaded.has(revision)) loaded.set(revision, new Schema(revision));
    return loaded.get(revision);
}

/** The complete events of a stream of text; keeps the rest. */
class EventText {
    #rest = "";

    *take(text) {
        this.#rest += text;
        for (;;) {
            const end = /\r?\n\r?\n/.exec(this.#rest);
            if (!end) return;
            const block = this.#rest.slice(0, end.index);
            this.#rest = this.#rest.slice(end.index + end[0].length);
            const data = block.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart()).join("\n");
            if (data) yield data;
        }
    }
}

const each = (message) => (Array.isArray(message) ? message : [message]);
const keyOf = (id) => JSON.stringify(id);

function messageIn(body) {
    try {
        const message = JSON.parse(typeof body === "string" ? body : Buffer.from(body ?? "").toString("utf8"));
        return each(message).some((one) => one?.jsonrpc === "2.0") ? message : undefined;
    } catch {
        return undefined;
    }
}

/** What one program's fetch has exchanged. */
export class MessageWatch {
    problems = [];
    messages = 0;
    #sessions = new Map(); // Mcp-Session-Id -> {revision, methods of requests, methods that the server asked}

    #known(revision) {
        return revisions.includes(revision) ? revision : undefined;
    }

    /** A fetch that watches. */
    around(fetch) {
        return async (input, init = {}) => {
            const response = await fetch(input, init);
            const look = this.begin(init.method ?? "GET", new Headers(init.headers), init.body, response.headers, response.status);
            if (!look || !response.body) return response;
            const through = new TransformStream({
                transform: (chunk, out) => {
                    look.piece(chunk);
                    out.enqueue(chunk);
                },
                flush: () => look.end(),
            });
            const { status, statusText, headers } = response;
            const watched = new Response(response.body.pipeThrough(through), { status, statusText, headers });
            Object.defineProperty(watched, "url", { value: response.url });
            return watched;
        };
    }

    /** One exchange, however it travels: {piece(bytes), end()} for the answer's body, or nothing if it is none of MCP's. */
    begin(method, requestHeaders, requestBody, responseHeaders, status) {
        const sent = method === "POST" ? messageIn(requestBody) : undefined;
        const listens = method === "GET" && /text\/event-stream/.test(requestHeaders.get("accept") ?? "");
        const type = responseHeaders.get("content-type") ?? "";
        const session = this.#sessions.get(requestHeaders.get("mcp-session-id"));
        if (sent && status === 202) this.#accepted(sent, this.#revision(sent, requestHeaders, session), session);
        if (method !== "POST" && !listens) return undefined;
        if (!/^(application\/json|text\/event-stream)/.test(type)) return undefined;
        const methods = new Map(session?.methods);
        for (const one of sent ? each(sent) : []) if (one?.method && one.id !== undefined) methods.set(keyOf(one.id), one.method);
        if (session) for (const [id, name] of methods) session.methods.set(id, name);
        const revision = this.#revision(sent, requestHeaders, session);
        const exchange = { sent, methods, revision, session, isMcp: Boolean(sent) || listens, answer: responseHeaders.get("mcp-session-id") };

        const events = type.startsWith("text/event-stream") ? new EventText() : undefined;
        const decoder = new TextDecoder();
        let text = "";
        return {
            piece: (bytes) => {
                const piece = decoder.decode(bytes, { stream: true });
                if (events) for (const data of events.take(piece)) this.#received(data, exchange);
                else text += piece;
            },
            end: () => {
                if (!events && text) this.#received(text, exchange);
            },
        };
    }

    /** One exchange of a client that is neither fetch nor behind a proxy; headers as Headers takes them. */
    whole(method, requestHeaders, requestBody, responseHeaders, responseBody, status) {
        const look = this.begin(method, new Headers(requestHeaders), requestBody, new Headers(responseHeaders), status);
        look?.piece(Buffer.from(responseBody));
        look?.end();
    }

    #revision(sent, headers, session) {
        const claimed = each(sent ?? []).map((one) => one?.params?._meta?.[versionKey]).find((one) => one !== undefined);
        return this.#known(claimed) ?? this.#known(headers.get("mcp-protocol-version")) ?? session?.revision ?? stateless;
    }

    /** Notifications, and answers to what the server asked. */
    #accepted(sent, revision, session) {
        this.messages++;
        const schema = schemaOf(revision);
        const asked = (id) => session?.asked.get(keyOf(id));
        for (const one of each(sent)) {
            if (one?.method !== undefined && !schema.has(one.method)) continue; // a notification that nobody knows is ignored
            for (const trouble of schema.problems(one, asked)) this.problems.push(`${trouble} in what was accepted: ${JSON.stringify(one).slice(0, 600)}`);
        }
    }

    #received(text, exchange) {
        let message;
        try {
            message = JSON.parse(text);
        } catch {
            if (exchange.isMcp) this.problems.push(`not JSON: ${text.slice(0, 300)}`);
            return;
        }
        if (!each(message).some((one) => one?.jsonrpc === "2.0")) {
            if (!exchange.isMcp) return;
            // The front refuses before JSON-RPC begins: {"error", "message"}.
            if (typeof message?.error !== "string") this.problems.push(`not JSON-RPC: ${text.slice(0, 300)}`);
            return;
        }
        this.messages++;
        const method = (id) => exchange.methods.get(keyOf(id));
        for (const one of each(message)) if (one?.method !== undefined && one.id !== undefined) exchange.session?.asked.set(keyOf(one.id), one.method);
        for (const one of each(message)) if (method(one?.id) === "initialize") this.#began(one.result?.protocolVersion, exchange);
        const schema = schemaOf(exchange.revision);
        const note = (trouble, what) => this.problems.push(...trouble.map((t) => `${t} in what ${what}`));
        note(schema.problems(message, method), `was received: ${text.slice(0, 600)}`);
        for (const one of each(message)) {
            if (one?.result === undefined || one.result.resultType === "input_required") continue; // asked again: not accepted
            const request = each(exchange.sent ?? []).find((sent) => sent?.method && keyOf(sent.id) === keyOf(one.id));
            if (request && schema.has(request.method)) note(schema.problems(request, () => undefined), `was accepted: ${JSON.stringify(request).slice(0, 600)}`);
        }
    }

    #began(revision, exchange) {
        exchange.revision = this.#known(revision) ?? exchange.revision;
        if (exchange.answer) this.#sessions.set(exchange.answer, { revision: exchange.revision, methods: new Map(exchange.methods), asked: new Map() });
    }
}

let installed;
/** From now on every fetch of this process is watched. */
export function watchMessages() {
    if (!installed) {
        installed = new MessageWatch();
        globalThis.fetch = installed.around(globalThis.fetch);
    }
    return installed;
}

// A fake Anthropic Messages API on loopback: what the model says is scripted by the prompt or over HTTP, so that the
// real Claude Code CLI can be tested and shown without an account. Node 18 or later, no packages. See README.md.
//
//   node fake-api.mjs --port 0 --port-file F        prints its URL, ends with SIGINT or SIGTERM

import { createHash } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { realpathSync, renameSync, writeFileSync } from "node:fs";
import http from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { errorBody, eventsOf, requestId, wholeAnswer } from "./fake-api/answer.mjs";
import { checkSteps, dueStep, promptText } from "./fake-api/script.mjs";

const MAX_BODY = 64 << 20;
const MAX_LOG = 1000;
const MAX_SCRIPTS = 200;

async function readBody(request) {
    const pieces = [];
    let size = 0;
    for await (const piece of request) {
        size += piece.length;
        if (size > MAX_BODY) throw Object.assign(new Error("the body is too large"), { status: 413 });
        pieces.push(piece);
    }
    const text = Buffer.concat(pieces).toString("utf8");
    return text ? JSON.parse(text) : {};
}

function sendJson(response, status, body, headers = {}) {
    response.writeHead(status, { "content-type": "application/json", "request-id": requestId(), ...headers });
    response.end(JSON.stringify(body));
}

function toolResults(messages) {
    const last = messages.at(-1);
    if (last?.role !== "user" || !Array.isArray(last.content)) return [];
    return last.content
        .filter((b) => b?.type === "tool_result")
        .map((b) => ({ tool_use_id: b.tool_use_id, is_error: b.is_error ?? false, content: JSON.stringify(b.content ?? "").slice(0, 4000) }));
}

// claude puts parts of it among the messages.
function systemText(body) {
    const parts = [body.system, ...(body.messages ?? []).filter((m) => m.role === "system").map((m) => m.content)].flat();
    return parts.map((p) => (typeof p === "string" ? p : (p?.text ?? ""))).join("\n");
}

/** The images in what people wrote: {media_type, sha256}. */
function imagesIn(messages) {
    const blocks = messages.filter((m) => m?.role === "user" && Array.isArray(m.content)).flatMap((m) => m.content);
    const images = blocks.filter((b) => b?.type === "image" && b.source?.type === "base64");
    return images.map(({ source }) => ({ media_type: source.media_type, sha256: createHash("sha256").update(Buffer.from(source.data, "base64")).digest("hex") }));
}

class FakeApi {
    scripts = [];
    log = [];
    held = new Map(); // name -> how many streams wait
    released = new Set();
    failed = new Map(); // how often the error step of a prompt was given
    changed = new EventEmitter().setMaxListeners(0);

    async handle(request, response) {
        const path = new URL(request.url, "http://fake").pathname;
        if (request.method === "HEAD") return response.writeHead(200).end();
        if (path === "/v1/messages" && request.method === "POST") return this.messages(request, response);
        if (path === "/v1/messages/count_tokens" && request.method === "POST") {
            await readBody(request);
            return sendJson(response, 200, { input_tokens: 1000 });
        }
        if (path === "/script" && request.method === "POST") return this.addScript(await readBody(request), response);
        if (path === "/script" && request.method === "DELETE") return sendJson(response, 200, { removed: this.scripts.splice(0).length });
        if (path === "/release" && request.method === "POST") return this.release(await readBody(request), response);
        if (path === "/holds") return sendJson(response, 200, { holds: Object.fromEntries(this.held) });
        if (path === "/requests") return sendJson(response, 200, { requests: this.log });
        return sendJson(response, 404, errorBody(404, `the fake API has no ${request.method} ${path}`));
    }

    addScript({ match, steps }, response) {
        if (typeof match !== "string" || match === "") return sendJson(response, 400, errorBody(400, "match must be a text"));
        this.scripts.push({ match, steps: checkSteps(steps) });
        if (this.scripts.length > MAX_SCRIPTS) this.scripts.shift();
        return sendJson(response, 200, { ok: true });
    }

    release({ name = "" }, response) {
        this.releaseHold(name);
        return sendJson(response, 200, { ok: true });
    }

    releaseHold(name) {
        this.released.add(name);
        this.changed.emit("release");
    }

    async messages(request, response) {
        const body = await readBody(request);
        const messages = Array.isArray(body.messages) ? body.messages : [];
        const entry = {
            at: Date.now(),
            session: request.headers["x-claude-code-session-id"] ?? null,
            model: body.model,
            prompt: (messages.map(promptText).findLast(Boolean) ?? "").slice(-4000),
            images: imagesIn(messages),
            toolResults: toolResults(messages),
            tools: (body.tools ?? []).map((t) => t.name),
            answers: messages.filter((m) => m.role === "assistant").length,
            system: systemText(body).slice(0, 64 << 10),
            thinking: body.thinking,
            effort: body.output_config?.effort,
            betas: request.headers["anthropic-beta"] ?? "",
            step: 0,
            outcome: "open", // answered | error | cut | gone
        };
        this.log.push(entry);
        if (this.log.length > MAX_LOG) this.log.shift();

        if (!request.headers["x-api-key"] && !request.headers.authorization) {
            entry.outcome = "error";
            return sendJson(response, 401, errorBody(401, "x-api-key header is required"));
        }
        const { step, index } = dueStep(messages, this.scripts);
        entry.step = index;
        this.onAsked?.(entry);
        if (step?.error && this.stillFails(step, entry)) {
            entry.outcome = "error";
            const { status = 500, message, retry_after } = step.error;
            return sendJson(response, status, errorBody(status, message), retry_after === undefined ? {} : { "retry-after": String(retry_after) });
        }
        if (!body.stream) {
            // claude tries a broken stream again without streaming
            if (step?.cut) {
                entry.outcome = "cut";
                return response.destroy();
            }
            entry.outcome = "answered";
            return sendJson(response, 200, wholeAnswer(step, body.model));
        }
        return this.stream(step, body.model, response, entry);
    }

    // An error is given `times` times (default: always), then the rest of the step is the answer.
    stillFails(step, entry) {
        const key = `${entry.session}\n${entry.prompt}\n${entry.step}`;
        const given = this.failed.get(key) ?? 0;
        if (given >= (step.error.times ?? Infinity)) return false;
        if (this.failed.size > MAX_LOG) this.failed.clear();
        this.failed.set(key, given + 1);
        return true;
    }

    async stream(step, model, response, entry) {
        const gone = new AbortController();
        response.on("close", () => gone.abort());
        response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", "request-id": requestId() });
        const events = [...eventsOf(step, model)];
        const deltas = events.filter((e) => e.delta && e.type === "content_block_delta").length;
        const middle = Math.ceil(deltas * (step?.at ?? 0.5)); // where it waits or breaks, in deltas
        let seen = 0;
        try {
            for (const event of events) {
                const isDelta = event.type === "content_block_delta";
                if (isDelta && seen++ === Math.min(middle, deltas - 1)) {
                    if (step?.hold !== undefined) await this.hold(String(step.hold), response, gone.signal);
                    if (step?.bad_sse) await this.write(response, `event: content_block_delta\ndata: {"type":"content_blo\n\n`, gone.signal);
                    if (step?.cut) {
                        entry.outcome = "cut";
                        await new Promise((sent) => response.write(": what was said so far has left\n\n", sent));
                        return response.destroy();
                    }
                }
                if (isDelta && step?.delay_ms) await pause(step.delay_ms, undefined, { signal: gone.signal });
                await this.write(response, `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`, gone.signal);
            }
            response.end();
            entry.outcome = "answered";
        } catch (error) {
            if (!gone.signal.aborted) throw error;
            entry.outcome = "gone";
        }
    }

    async write(response, text, signal) {
        if (!response.write(text)) await once(response, "drain", { signal });
    }

    // Waits for POST /release {name}; a hold that was released before does not wait.
    async hold(name, response, signal) {
        this.held.set(name, (this.held.get(name) ?? 0) + 1);
        const keepAlive = setInterval(() => response.write('event: ping\ndata: {"type":"ping"}\n\n'), 5000);
        try {
            while (!this.released.has(name)) await once(this.changed, "release", { signal });
        } finally {
            clearInterval(keepAlive);
            this.held.set(name, this.held.get(name) - 1);
        }
    }
}

/**
 * Starts the fake API. `api.log`, `api.held` and `api.releaseHold(name)` serve tests in the same process; `api.onAsked` is
 * called with each request's entry of the log, which keeps the last ones only.
 */
export async function startFakeApi({ port = 0 } = {}) {
    const api = new FakeApi();
    const server = http.createServer((request, response) => {
        api.handle(request, response).catch((error) => {
            if (response.headersSent) response.destroy();
            else sendJson(response, error.status ?? 400, errorBody(error.status ?? 400, error.message));
        });
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    api.port = server.address().port;
    api.url = `http://127.0.0.1:${api.port}`;
    api.close = () => {
        server.close();
        server.closeAllConnections();
    };
    return api;
}

async function main(argv) {
    const options = { port: 0, "port-file": "" };
    for (let i = 0; i < argv.length; i += 2) {
        const name = argv[i].replace(/^--/, "");
        if (!(name in options) || argv[i + 1] === undefined) {
            console.error("usage: fake-api.mjs [--port N] [--port-file FILE]");
            process.exit(2);
        }
        options[name] = argv[i + 1];
    }
    const api = await startFakeApi({ port: Number(options.port) });
    console.log(api.url);
    for (const signal of ["SIGINT", "SIGTERM"])
        process.on(signal, () => {
            api.close();
            process.exit(0);
        });
    if (options["port-file"]) {
        // Renamed into place, so that a reader never sees half of it.
        writeFileSync(`${options["port-file"]}.new`, `${api.port}\n`);
        renameSync(`${options["port-file"]}.new`, options["port-file"]);
    }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));

// One answer of the fake model as the Messages API streams it (SSE), or whole for a request without `stream`.

let counter = 0;
const nextId = (prefix) => `${prefix}_fake_${process.pid}_${(++counter).toString(36).padStart(6, "0")}`;

const GREETING =
    "Hello from the fake model that stands in for the Anthropic API: no account is used and nothing is thought. " +
    "It answers every prompt without a script with this text.";

/** The content blocks of a step, in order: thinking, text, many texts, tools. */
export function blocksOf(step) {
    const s = step ?? { text: GREETING };
    const blocks = [];
    if (s.thinking) blocks.push({ type: "thinking", thinking: String(s.thinking) });
    if (s.text !== undefined) blocks.push({ type: "text", text: String(s.text) });
    for (let i = 0; i < Math.min(s.blocks ?? 0, 5000); i++) blocks.push({ type: "text", text: `block ${i}: the quick brown fox` });
    for (const tool of [...(s.tool ? [s.tool] : []), ...(s.tools ?? [])])
        blocks.push({ type: "tool_use", id: tool.id ?? nextId("toolu"), name: tool.name, input: tool.input ?? {} });
    if (blocks.length === 0) blocks.push({ type: "text", text: "" });
    return blocks;
}

function split(text, pieces, size) {
    const n = pieces ?? Math.max(1, Math.ceil(text.length / (size ?? 24)));
    const step = Math.max(1, Math.ceil(text.length / n));
    const out = [];
    for (let at = 0; at < text.length; at += step) out.push(text.slice(at, at + step));
    return out;
}

const usage = (output, step) => ({
    input_tokens: step?.input_tokens ?? 25,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    output_tokens: output,
    service_tier: "standard",
});

const stopReason = (step, blocks) => step?.stop_reason ?? (blocks.some((b) => b.type === "tool_use") ? "tool_use" : "end_turn");

const emptied = { text: { text: "" }, thinking: { thinking: "", signature: "" }, tool_use: { input: {} } };

function* deltasOf(block, step) {
    if (block.type === "text")
        for (const text of split(block.text, step?.deltas, step?.delta_chars)) yield { type: "text_delta", text };
    else if (block.type === "thinking") {
        for (const thinking of split(block.thinking, step?.deltas, step?.delta_chars)) yield { type: "thinking_delta", thinking };
        yield { type: "signature_delta", signature: "c2lnbmF0dXJl" };
    } else
        for (const partial_json of split(JSON.stringify(block.input), step?.deltas, step?.delta_chars))
            yield { type: "input_json_delta", partial_json };
}

/** The stream's events in order. Those with a `delta` are where a step may wait, break or be cut. */
export function* eventsOf(step, model) {
    const blocks = blocksOf(step);
    const message = { id: nextId("msg"), type: "message", role: "assistant", model, content: [], stop_reason: null, stop_sequence: null, usage: usage(1, step) };
    yield { type: "message_start", message };
    let output = 1;
    for (const [index, block] of blocks.entries()) {
        yield { type: "content_block_start", index, content_block: { ...block, ...emptied[block.type] } };
        for (const delta of deltasOf(block, step)) {
            output += 4;
            yield { type: "content_block_delta", index, delta };
        }
        yield { type: "content_block_stop", index };
    }
    yield { type: "message_delta", delta: { stop_reason: stopReason(step, blocks), stop_sequence: null }, usage: { output_tokens: output } };
    yield { type: "message_stop" };
}

export function wholeAnswer(step, model) {
    const content = blocksOf(step).map((b) => (b.type === "thinking" ? { ...b, signature: "c2lnbmF0dXJl" } : b));
    return { id: nextId("msg"), type: "message", role: "assistant", model, content, stop_reason: stopReason(step, content), stop_sequence: null, usage: usage(20, step) };
}

const errorTypes = { 400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error", 500: "api_error", 529: "overloaded_error" };

export function errorBody(status, message) {
    return { type: "error", error: { type: errorTypes[status] ?? "api_error", message: message ?? `scripted error ${status}` }, request_id: nextId("req") };
}

export const requestId = () => nextId("req");

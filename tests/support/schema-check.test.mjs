// The check of messages itself: what it accepts, what it finds.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { test } from "node:test";

import { MessageWatch, schemaOf } from "./schema-check.mjs";

const text = { content: [{ type: "text", text: "x" }] };
const modern = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} };

test("a result is held against its request's definition", () => {
    for (const revision of ["2025-03-26", "2025-06-18", "2025-11-25"]) {
        const schema = schemaOf(revision);
        assert.deepEqual(schema.problems({ jsonrpc: "2.0", id: 1, result: text }, () => "tools/call"), [], revision);
        assert.notDeepEqual(schema.problems({ jsonrpc: "2.0", id: 1, result: text }, () => "tools/list"), [], revision);
        assert.deepEqual(schema.problems({ jsonrpc: "2.0", id: 1, result: {} }, () => "ping"), [], revision);
        assert.notDeepEqual(schema.problems({ jsonrpc: "2.0", method: "notifications/invented" }, () => {}), [], revision);
    }
});

test("2026-07-28 wants resultType and knows input_required", () => {
    const schema = schemaOf("2026-07-28");
    assert.notDeepEqual(schema.problems({ jsonrpc: "2.0", id: 1, result: text }, () => "tools/call"), []);
    assert.deepEqual(schema.problems({ jsonrpc: "2.0", id: 1, result: { resultType: "complete", ...text } }, () => "tools/call"), []);
    assert.deepEqual(schema.problems({ jsonrpc: "2.0", id: 1, result: { resultType: "input_required", requestState: "s" } }, () => "tools/call"), []);
    assert.notDeepEqual(schema.problems({ jsonrpc: "2.0", id: 1, result: { resultType: "input_required", requestState: 5 } }, () => "tools/call"), []);
});

test("only 2025-03-26 knows batches", () => {
    const batch = [{ jsonrpc: "2.0", id: 1, result: {} }];
    assert.deepEqual(schemaOf("2025-03-26").problems(batch, () => "ping"), []);
    assert.notDeepEqual(schemaOf("2025-06-18").problems(batch, () => "ping"), []);
});

test("what goes through fetch is watched, as JSON and as events", async (t) => {
    const server = http.createServer((request, response) => {
        let body = "";
        request.on("data", (piece) => (body += piece)).on("end", () => {
            const { id, params } = JSON.parse(body);
            const answer = JSON.stringify({ jsonrpc: "2.0", id, result: params.arguments.bad ? { content: 5 } : { resultType: "complete", ...text } });
            if (!params.arguments.stream) return response.setHeader("content-type", "application/json").end(answer);
            response.setHeader("content-type", "text/event-stream").write(`: comment\n\nid: 1\ndata: ${answer.slice(0, 9)}`);
            response.end(`${answer.slice(9)}\n\n`);
        });
    });
    t.after(() => server.close());
    await once(server.listen(0, "127.0.0.1"), "listening");
    const watch = new MessageWatch();
    const fetch = watch.around(globalThis.fetch);
    const call = async (args) => {
        const params = { name: "x", arguments: args, _meta: modern };
        const response = await fetch(`http://127.0.0.1:${server.address().port}/`, { method: "POST", body: JSON.stringify({ jsonrpc: "2.0", id: "one", method: "tools/call", params }) });
        return response.text();
    };
    for (const stream of [false, true]) {
        assert.match(await call({ stream }), /"one"/);
        assert.deepEqual(watch.problems, []);
        await call({ stream, bad: true });
        assert.ok(watch.problems.length > 0);
        watch.problems.length = 0;
    }
    assert.equal(watch.messages, 4);
});

test("answers to what is no message are watched, and messages that are only accepted", () => {
    const watch = new MessageWatch();
    const json = { "content-type": "application/json" };
    const whole = (sent, status, answer = "", session = {}) => {
        watch.whole("POST", { ...json, ...session }, typeof sent === "string" ? sent : JSON.stringify(sent), answer ? { ...json, ...session } : {}, answer && JSON.stringify(answer), status);
        return watch.problems.splice(0).length;
    };
    const parseError = (more) => ({ jsonrpc: "2.0", error: { code: -32700, message: "Not JSON.", ...more } });
    assert.equal(whole("{", 400, parseError({})), 0);
    assert.equal(whole("{", 400, parseError({ code: "bad" })), 1);
    assert.equal(whole("user=ada", 200, { token: "of another kind of server" }), 0);

    assert.equal(whole({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } }, 202), 0);
    assert.ok(whole({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: {} } }, 202) > 0);
    assert.equal(whole({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: {} } }, 400), 0, "it was refused");

    const session = { "mcp-session-id": "s" };
    const params = { protocolVersion: "2025-11-25", capabilities: { elicitation: {} }, clientInfo: { name: "c", version: "1" } };
    const result = { protocolVersion: "2025-11-25", capabilities: {}, serverInfo: { name: "s", version: "1" } };
    assert.equal(whole({ jsonrpc: "2.0", id: 0, method: "initialize", params }, 200, { jsonrpc: "2.0", id: 0, result }, session), 0);
    const question = { jsonrpc: "2.0", id: "q", method: "elicitation/create", params: { message: "Sure?", requestedSchema: { type: "object", properties: {} } } };
    const events = watch.begin("POST", new Headers(session), JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "t" } }), new Headers({ "content-type": "text/event-stream" }), 200);
    events.piece(Buffer.from(`data: ${JSON.stringify(question)}\n\n`));
    assert.deepEqual(watch.problems, []);
    assert.equal(whole({ jsonrpc: "2.0", id: "q", result: { action: "accept", content: {} } }, 202, "", session), 0);
    assert.ok(whole({ jsonrpc: "2.0", id: "q", result: { action: "perhaps" } }, 202, "", session) > 0);
});

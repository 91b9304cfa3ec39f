// Bad input: of every tool a clear error that names the field; requests that are oversized, deep, not UTF-8 or half sent
// are refused, and nothing grows.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import net from "node:net";
import { test } from "node:test";

import { startWorld, until } from "../support/harness.mjs";

const aUuid = "00000000-0000-4000-8000-000000000000";

/** A value that the schema allows, for the fields that are not the one under test. */
const good = { session_id: aUuid, text: "x", behavior: "deny", request_id: "r", prompt_id: "p", cwd: "/nowhere", slug: "-nowhere", machine: "m1", cursor: "c" };

/** Values that the schema of a field does not allow: [what, value]. */
function* badValues(schema) {
    for (const [type, value] of [["a number", 7], ["a text", "seven"], ["a list", [1]], ["an object", { a: 1 }], ["null", null]]) {
        const allowed = { integer: "a number", number: "a number", string: "a text" }[schema.type];
        const open = type === "an object" && schema.type === "object" && schema.additionalProperties !== false;
        if (type !== allowed && !open) yield [type, value];
    }
    if (schema.enum) yield ["not one of the choices", "nonsense"];
    if (schema.maximum !== undefined) yield ["too large a number", schema.maximum + 1];
    if (schema.minimum !== undefined) yield ["too small a number", schema.minimum - 1];
    if (schema.maxLength !== undefined) yield ["too long a text", "x".repeat(schema.maxLength + 1)];
    if (schema.minLength !== undefined) yield ["an empty text", ""];
    if (schema.pattern !== undefined) yield ["a text of another form", "\u0001 \u20ac"];
}

test("bad input", async (t) => {
    const world = await startWorld(t);
    const client = world.client();
    const { tools } = await client.rpc("tools/list");
    good.session_id = (await world.createSession("a-real-one")).session; // what is not found is said before what is wrong

    for (const tool of tools)
        await world.test(`arguments of ${tool.name}`, async () => {
            const required = tool.inputSchema.required ?? [];
            const base = Object.fromEntries(required.map((field) => [field, good[field]]));
            const refused = async (args, field, what) => {
                const error = await client.call(tool.name, args).then(() => assert.fail(`${tool.name} took ${what} as ${field}`), (e) => e);
                // An id of another form is also the id of no session.
                if (field === "session_id" && error.code === "not_found" && typeof args.session_id === "string") return;
                assert.equal(error.code, "invalid_argument", `${field}, ${what}: ${error.message}`);
                assert.ok(JSON.stringify(error.envelope).includes(field), `${field}, ${what}: ${error.message}`);
                assert.ok(error.envelope.request_id, JSON.stringify(error.envelope));
            };
            for (const field of required) {
                const { [field]: _, ...rest } = base;
                await refused(rest, field, "nothing");
            }
            for (const [field, schema] of Object.entries(tool.inputSchema.properties))
                for (const [what, value] of badValues(schema)) await refused({ ...base, [field]: value }, field, what);
            await refused({ ...base, no_such_field: 1 }, "no_such_field", "a field of its own");
        });

    await world.test("a session, a cursor, a machine and a directory that do not exist", async () => {
        for (const tool of ["get_session", "abort_session", "dispose_session", "poll_events"])
            await assert.rejects(client.call(tool, { session_id: aUuid }), (e) => e.code === "not_found", tool);
        await assert.rejects(client.call("send_prompt", { session_id: aUuid, text: "x" }), (e) => e.code === "not_found");
        await assert.rejects(client.call("poll_events", { cursor: "nonsense" }), (e) => e.code === "cursor_invalid");
        await assert.rejects(client.call("get_machine", { machine: "nobody" }), (e) => e.code === "not_found");
        await assert.rejects(client.call("create_session", { cwd: "/etc" }), (e) => e.code === "policy_denied");
        await assert.rejects(client.call("create_session", { cwd: `${world.machines[0].root}/../../../../../etc` }), (e) => e.code === "policy_denied");
        await assert.rejects(client.call("create_session", { cwd: `${world.machines[0].root}/no-such` }), (e) => ["not_found", "policy_denied", "invalid_argument"].includes(e.code));
        await assert.rejects(client.call("create_session", { cwd: world.machines[0].root, permission_mode: "bypassPermissions" }), (e) => e.code === "policy_denied");
    });

    await world.test("what is not MCP", async () => {
        const json = (value) => JSON.stringify(value);
        const deep = (n) => "[".repeat(n) + "]".repeat(n);
        const call = (args) => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_health","arguments":${args}}}`;
        for (const [what, body, headers, status, code] of [
            ["not JSON", "{", {}, 400, -32700],
            ["not an object", "7", {}, 400, undefined],
            ["no method", json({ jsonrpc: "2.0", id: 1 }), {}, 400, -32600],
            ["no JSON-RPC", json({ id: 1, method: "tools/list" }), {}, 400, -32600],
            ["an empty body", "", {}, 400, -32700],
            ["not UTF-8", Buffer.from('{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"a":"\xff\xfe"}}', "latin1"), {}, 400, -32700],
            ["a nested bomb", `{"a":${deep(100_000)}}`, {}, 400, -32700],
            ["a batch that is a bomb", deep(100_000), {}, 400, -32600],
            ["nested arguments", call(`{"machine":${deep(50_000)}}`), {}, 400, -32700],
            ["another type", json({ jsonrpc: "2.0", id: 1, method: "tools/list" }), { "content-type": "text/plain" }, 415, undefined],
            ["nothing that it takes", json({ jsonrpc: "2.0", id: 1, method: "tools/list" }), { accept: "image/png" }, 406, undefined],
            ["an unknown version", json({ jsonrpc: "2.0", id: 1, method: "tools/list" }), { "mcp-protocol-version": "1999-01-01" }, 400, undefined],
        ]) {
            const answer = await client.post(body, { headers });
            assert.equal(answer.status, status, `${what}: ${answer.text.slice(0, 300)}`);
            if (code !== undefined) assert.equal(JSON.parse(answer.text).error.code, code, `${what}: ${answer.text.slice(0, 300)}`);
        }
        await assert.rejects(client.rpc("no/such/method"), (e) => e.code === -32601);
        await assert.rejects(client.callRaw("no_such_tool"), (e) => e.code === -32602);
        assert.equal((await fetch(world.hub.mcpUrl, { method: "PUT", headers: client.headers })).status, 405);
        assert.equal((await fetch(`${world.hub.url}/no/such/page`)).status, 404);
    });

    await world.test("an oversized body is refused before it is read", async () => {
        const socket = net.connect(world.hub.port, "127.0.0.1");
        await once(socket, "connect");
        socket.write(`POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${world.hub.port}\r\nAuthorization: Bearer ${world.hub.credentials.api_key}\r\nContent-Type: application/json\r\nContent-Length: 1000000000000\r\n\r\n{`);
        const [head] = await once(socket, "data");
        assert.match(head.toString(), /^HTTP\/1.1 413 /);
        socket.destroy();
        const chunked = await client.post(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"x":"${"a".repeat(16 << 20)}"}}`).catch((e) => e);
        assert.ok(chunked instanceof Error || chunked.status === 413, chunked.text);
    });

    await world.test("half-sent requests are dropped and nothing grows", async () => {
        const openFiles = () => readdirSync(`/proc/${world.hub.child.pid}/fd`).length;
        const before = openFiles();
        const beginnings = ["", "POST", "POST /mcp HTTP/1.1\r\n", `POST /mcp HTTP/1.1\r\nHost: x\r\n${"A: b\r\n".repeat(20)}`, `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${world.hub.port}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"jsonrpc"`];
        const sockets = [];
        for (let i = 0; i < 200; i++) {
            const socket = net.connect(world.hub.port, "127.0.0.1");
            socket.on("error", () => {});
            socket.write(beginnings[i % beginnings.length]);
            sockets.push(socket);
        }
        await Promise.all(sockets.map((s) => (s.connecting ? once(s, "connect").catch(() => {}) : undefined)));
        assert.equal((await client.call("list_machines")).machines.length, 1, "the hub serves others meanwhile");
        for (const socket of sockets) socket.destroy();
        await until(() => openFiles() <= before + 4, "the hub to close what was cut off");
        assert.equal((await client.call("list_machines")).machines.length, 1);
    });

    await world.test("hostile heads are refused", async () => {
        const host = `Host: 127.0.0.1:${world.hub.port}\r\n`;
        for (const [what, head] of [
            ["an endless field", `POST /mcp HTTP/1.1\r\n${host}X: ${"a".repeat(200_000)}`],
            ["endless fields", `POST /mcp HTTP/1.1\r\n${host}${"X-A: b\r\n".repeat(20_000)}`],
            ["an endless target", `POST /${"a".repeat(200_000)}`],
            ["two lengths", `POST /mcp HTTP/1.1\r\n${host}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`],
            ["length and chunks", `POST /mcp HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
            ["no HTTP", "\u0016\u0003\u0001\u0002\r\n\r\n"],
        ]) {
            const socket = net.connect(world.hub.port, "127.0.0.1");
            let answer = "";
            socket.on("error", () => {}).on("data", (piece) => (answer += piece));
            socket.end(head);
            await once(socket, "close");
            assert.ok(answer === "" || /^HTTP\/1.[01] (4\d\d|505)/.test(answer), `${what}: ${answer.slice(0, 200)}`);
        }
        assert.equal((await client.call("list_machines")).machines.length, 1);
    });
});

// The main job by plain curl: a URL, Content-Type and a credential, nothing else.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { cleanEnv, run, script, startWorld, until } from "../support/harness.mjs";
import { bash, ended, textsOf } from "../support/turns.mjs";

test("the main job by curl", async (t) => {
    const world = await startWorld(t);
    const url = await world.watchedUrl();
    const key = world.hub.credentials.api_key;

    /** curl's answer: {status, headers, body}. */
    const curl = async (body, ...options) => {
        const { code, stdout, stderr } = await run(["curl", "-sS", "-i", "--max-time", "60", ...options, "--data-binary", "@-", url], { env: cleanEnv(world.home), input: body });
        assert.equal(code, 0, stderr);
        const [head, ...rest] = stdout.split("\r\n\r\n");
        return { status: Number(head.split(" ")[1]), headers: head.toLowerCase(), body: rest.join("\r\n\r\n") };
    };
    const json = ["-H", "Content-Type: application/json"];
    const bearer = ["-H", `Authorization: Bearer ${key}`];
    const request = (method, params) => JSON.stringify({ jsonrpc: "2.0", id: 7, method, params });
    const call = async (name, args) => {
        const { status, body } = await curl(request("tools/call", { name, arguments: args }), ...json, ...bearer);
        assert.equal(status, 200, body);
        const { id, result } = JSON.parse(body);
        assert.equal(id, 7);
        assert.notEqual(result.isError, true, body);
        return result.structuredContent;
    };

    await world.test("a session runs a command that was allowed", async () => {
        const cwd = world.machines[0].project("by-curl");
        const { sessionId: session_id } = await call("create_session", { cwd });
        await call("send_prompt", { session_id, text: script(bash("echo curl > made.txt"), "Made by curl.") });
        let asked;
        let cursor;
        const seen = [];
        const poll = async () => {
            const page = await call("poll_events", { session_id, timeout_ms: 2000, ...(cursor ? { cursor } : {}) });
            cursor = page.next_cursor;
            seen.push(...page.events);
        };
        await until(async () => (await poll(), (asked = seen.find((e) => e.type === "channel.permission_request"))), "the permission request");
        await call("respond_permission", { session_id, request_id: asked.request.requestId, behavior: "allow" });
        await until(async () => (await poll(), seen.some(ended)), "the end of the turn");
        assert.equal(readFileSync(join(cwd, "made.txt"), "utf8"), "curl\n");
        const { messages } = await call("get_session", { session_id });
        assert.ok(textsOf(messages).includes("Made by curl."));
    });

    await world.test("an API key in its own header", async () => {
        const { status } = await curl(request("tools/list"), ...json, "-H", `X-Codez-Api-Key: ${key}`);
        assert.equal(status, 200);
    });

    await world.test("without a credential: 401 and where to get one", async () => {
        for (const credential of [[], ["-H", "Authorization: Bearer wrong"], ["-H", `Authorization: Bearer ${key}x`]]) {
            const { status, headers } = await curl(request("tools/list"), ...json, ...credential);
            assert.equal(status, 401);
            assert.match(headers, /www-authenticate: bearer .*resource_metadata="http:[^"]*\/\.well-known\/oauth-protected-resource/);
        }
    });

    await world.test("the resource metadata names this endpoint", async () => {
        for (const path of ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"]) {
            const { stdout } = await run(["curl", "-sS", world.hub.url + path], { env: cleanEnv(world.home) });
            assert.equal(JSON.parse(stdout).resource, world.hub.mcpUrl);
        }
    });

    await world.test("a page of another origin may not call", async () => {
        const { status } = await curl(request("tools/list"), ...json, ...bearer, "-H", "Origin: https://evil.example");
        assert.equal(status, 403);
    });

    await world.test("a modern client finds its version", async () => {
        const probe = JSON.stringify({ jsonrpc: "2.0", id: "server-discover-probe-1", method: "server/discover", params: { _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} } } });
        const { status, body } = await curl(probe, ...json, ...bearer, "-H", "MCP-Protocol-Version: 2026-07-28", "-H", "Mcp-Method: server/discover");
        assert.equal(status, 200, body);
        const { id, result } = JSON.parse(body);
        assert.equal(id, "server-discover-probe-1");
        assert.deepEqual(result.supportedVersions, ["2026-07-28"]);
    });

    for (const version of ["2025-11-25", "2025-06-18", "2025-03-26"])
        await world.test(`initialize for ${version}`, async () => {
            const first = await curl(request("initialize", { protocolVersion: version, capabilities: {}, clientInfo: { name: "curl", version: "1" } }), ...json, ...bearer);
            assert.equal(first.status, 200, first.body);
            assert.equal(JSON.parse(first.body).result.protocolVersion, version);
            const session = /mcp-session-id: (\S+)/.exec((await curl(request("initialize", { protocolVersion: version, capabilities: {}, clientInfo: { name: "curl", version: "1" } }), ...json, ...bearer)).headers);
            assert.ok(session, "a session id is given");
        });
});

// The main job, end to end, by the official TypeScript SDK (v1): a session that runs a command after asking for it.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { EventReader, script, startWorld, until } from "../support/harness.mjs";
import { bash, checkWhole, ended, partsOf, textsOf } from "../support/turns.mjs";

/** The SDK's client with the `call` that our helpers use. */
async function connect(world) {
    const client = new Client({ name: "codez-test", version: "1" });
    const requestInit = { headers: { authorization: `Bearer ${world.hub.credentials.api_key}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(world.hub.mcpUrl), { requestInit }));
    await client.listTools(); // makes the SDK check every result against its output schema
    client.call = async (name, args = {}) => {
        const result = await client.callTool({ name, arguments: args });
        assert.notEqual(result.isError, true, JSON.stringify(result));
        return result.structuredContent;
    };
    return client;
}

test("the main job by the TypeScript SDK v1", async (t) => {
    const world = await startWorld(t);
    const client = await connect(world);
    t.after(() => client.close());
    const machine = world.machines[0];

    await world.test("lists the tools of the catalogue", async () => {
        const { tools } = await client.listTools();
        const names = tools.map((tool) => tool.name);
        for (const name of ["list_machines", "get_machine", "list_projects", "list_sessions", "get_session", "create_session", "send_prompt", "send_and_wait", "poll_events", "respond_permission", "abort_session", "dispose_session", "get_health"])
            assert.ok(names.includes(name), `${name} is missing in ${names}`);
        for (const tool of tools) assert.ok(tool.description && tool.inputSchema && tool.outputSchema && tool.annotations, tool.name);
    });

    await world.test("a command that was allowed runs", async () => {
        const cwd = machine.project("allowed");
        const { sessionId, cursor } = await client.call("create_session", { cwd });
        assert.match(sessionId, /^[0-9a-f-]{36}$/);
        const text = `Make a file. ${script(bash("echo made > made.txt && cat made.txt"), "All is done.")}`;
        await client.call("send_prompt", { session_id: sessionId, text });

        const reader = new EventReader(client, { session: sessionId, cursor });
        const asked = await reader.untilType("channel.permission_request");
        assert.equal(asked.request.toolName, "Bash");
        assert.match(asked.request.inputPreview, /echo made/);
        assert.equal(existsSync(join(cwd, "made.txt")), false, "the command ran before it was allowed");

        await client.call("respond_permission", { session_id: sessionId, request_id: asked.request.requestId, behavior: "allow" });
        const end = await reader.until(ended, "the end of the turn");
        assert.equal(end.type, "session.idle");
        assert.equal(readFileSync(join(cwd, "made.txt"), "utf8"), "made\n");

        checkWhole(reader.events);
        const resolved = reader.events.filter((e) => e.type === "channel.permission_resolved");
        assert.deepEqual(resolved.map((e) => e.requestId), [asked.request.requestId]);

        const { session, messages } = await client.call("get_session", { session_id: sessionId });
        assert.equal(session.status, "live");
        assert.deepEqual(messages[0].role, "user");
        assert.ok(textsOf(messages).includes("All is done."));
        const tool = partsOf(messages).find((p) => p.type === "tool_use");
        assert.equal(tool.tool, "Bash");
        assert.match(JSON.stringify(partsOf(messages)), /made/);
    });

    await world.test("a command that was denied does not run", async () => {
        const cwd = machine.project("denied");
        const { sessionId, cursor } = await client.call("create_session", { cwd });
        await client.call("send_prompt", { session_id: sessionId, text: script(bash("echo made > made.txt"), "So I did not.") });
        const reader = new EventReader(client, { session: sessionId, cursor });
        const asked = await reader.untilType("channel.permission_request");
        await client.call("respond_permission", { session_id: sessionId, request_id: asked.request.requestId, behavior: "deny" });
        assert.equal((await reader.until(ended, "the end of the turn")).type, "session.idle");
        assert.equal(existsSync(join(cwd, "made.txt")), false);
        const { messages } = await client.call("get_session", { session_id: sessionId });
        assert.ok(textsOf(messages).includes("So I did not."));
        assert.ok(world.api.log.some((r) => r.session === sessionId && r.toolResults.some((result) => result.is_error)), "the model was told that it was denied");
    });

    await world.test("a turn is aborted in mid-stream, the session goes on", async () => {
        const cwd = machine.project("aborted");
        const { sessionId, cursor } = await client.call("create_session", { cwd });
        const text = script({ text: "a long answer that will be interrupted before its end comes", hold: "abort", deltas: 20 });
        await client.call("send_prompt", { session_id: sessionId, text });
        const reader = new EventReader(client, { session: sessionId, cursor });
        await until(() => world.api.held.get("abort") === 1, "the stream to be on its way");
        await client.call("abort_session", { session_id: sessionId });
        await reader.until(ended, "the end of the aborted turn");
        const again = await client.call("send_and_wait", { session_id: sessionId, text: script("Here I am again."), timeout_ms: 30_000 });
        assert.ok(JSON.stringify(again).includes("Here I am again."), JSON.stringify(again));
    });

    await world.test("send_and_wait returns what the turn said", async () => {
        const { sessionId } = await client.call("create_session", { cwd: machine.project("waited") });
        const value = await client.call("send_and_wait", { session_id: sessionId, text: script("An answer at once.") });
        assert.equal(value.done, true, JSON.stringify(value));
        assert.ok(JSON.stringify(value).includes("An answer at once."));
    });

    await world.test("a disposed session is idle and resumes on the next prompt", async () => {
        const { sessionId } = await client.call("create_session", { cwd: machine.project("disposed") });
        await client.call("send_and_wait", { session_id: sessionId, text: script("The first.") });
        await client.call("dispose_session", { session_id: sessionId });
        const { session } = await client.call("get_session", { session_id: sessionId });
        assert.equal(session.status, "idle");
        assert.equal(machine.processesOf(sessionId).claude, undefined);
        await client.call("send_and_wait", { session_id: sessionId, text: script("The second.") });
        const { messages } = await client.call("get_session", { session_id: sessionId });
        const texts = textsOf(messages);
        assert.ok(texts.includes("The first.") && texts.includes("The second."), texts.join("\n"));
    });
});

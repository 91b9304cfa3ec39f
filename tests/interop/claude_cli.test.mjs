// The real claude as an MCP client of the hub: a model (scripted by the fake API) that drives a session of another one.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { claudeVariables } from "../support/claude-env.mjs";
import { claudeProgram, cleanEnv, run, script, startWorld, until } from "../support/harness.mjs";
import { bash, textsOf } from "../support/turns.mjs";
import { revisionsOf, startWire } from "./wire.mjs";

const tool = (name, input) => ({ tool: { name: `mcp__codez__${name}`, input } });

test("the claude CLI as MCP client of the hub", async (t) => {
    const world = await startWorld(t);
    const home = join(world.dir, "client-home");
    mkdirSync(home);
    const env = cleanEnv(home, claudeVariables(world.api.url));
    const wire = await startWire(t, world);
    const { url } = wire;
    const servers = { mcpServers: { codez: { type: "http", url, headers: { Authorization: `Bearer ${world.hub.credentials.api_key}` } } } };

    // One run of the client, whose model takes these steps. The tools of the hub need no further permission.
    const claude = async (...steps) => {
        const argv = [claudeProgram, "-p", script(...steps), "--mcp-config", JSON.stringify(servers), "--strict-mcp-config", "--allowedTools=mcp__codez", "--permission-mode=default", "--output-format=stream-json", "--verbose"];
        const { code, stdout, stderr } = await run(argv, { env, cwd: home, ms: 120_000 });
        assert.equal(code, 0, stdout + stderr);
        return stdout.trim().split("\n").map((line) => JSON.parse(line));
    };
    const resultsIn = (lines) => lines.filter((l) => l.type === "user").flatMap((l) => l.message.content).filter((c) => c.type === "tool_result");
    const valueOf = (result) => JSON.parse(typeof result.content === "string" ? result.content : result.content[0].text);

    await world.test("connects and lists the tools", async () => {
        const lines = await claude("Nothing to do.");
        const init = lines.find((l) => l.subtype === "init");
        assert.deepEqual(init.mcp_servers.map((s) => [s.name, s.status]), [["codez", "connected"]]);
        assert.ok(init.tools.includes("mcp__codez__create_session"), init.tools.join());
    });

    await world.test("the printed configuration connects: claude mcp add", async () => {
        const added = await run([claudeProgram, "mcp", "add", "--transport", "http", "codez", url, "--header", `Authorization: Bearer ${world.hub.credentials.api_key}`], { env, cwd: home });
        assert.equal(added.code, 0, added.stderr);
        const { stdout } = await run([claudeProgram, "mcp", "get", "codez"], { env, cwd: home });
        assert.match(stdout, /Connected/);
    });

    await world.test("drives a session through a permission request", async () => {
        const cwd = world.machines[0].project("driven");
        const created = valueOf(resultsIn(await claude(tool("create_session", { cwd }), "Created."))[0]);
        const session_id = created.sessionId;
        const text = `Make it. ${script(bash("echo driven > driven.txt"), "It is made.")}`;
        await claude(tool("send_prompt", { session_id, text }), "Sent.");

        // The model's steps are fixed before it sees a result, so the request's id is read between two runs.
        const asked = await until(async () => {
            const [result] = resultsIn(await claude(tool("poll_events", { session_id, timeout_ms: 5000 }), "Seen."));
            return valueOf(result).events.find((e) => e.type === "channel.permission_request");
        }, "the permission request in what the client's model sees", { ms: 90_000 });
        await claude(tool("respond_permission", { session_id, request_id: asked.request.requestId, behavior: "allow" }), "Allowed.");

        const file = join(cwd, "driven.txt");
        await until(() => existsSync(file), "the file that the session makes");
        assert.equal(readFileSync(file, "utf8"), "driven\n");
        await until(async () => {
            const [result] = resultsIn(await claude(tool("get_session", { session_id }), "Read."));
            return textsOf(valueOf(result).messages).includes("It is made.");
        }, "the conversation in what the client's model sees", { ms: 90_000 });
        assert.deepEqual(revisionsOf(wire.requests), ["2026-07-28"]);
    });
});

// The options that can start a program, add authority or reach a path: closed to a hub until agent.toml names them, each
// refusal in the machine's audit; open, each by its effect, through the hub and at the machine itself.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { McpClient, claudeProgram, script, startWorld } from "../support/harness.mjs";
import { bash } from "../support/turns.mjs";

const mcpServer = `process.stdin.on("data", (data) => {
    for (const line of String(data).split("\\n").filter(Boolean)) {
        const { id, method, params } = JSON.parse(line);
        if (method === "initialize") console.log(JSON.stringify({ jsonrpc: "2.0", id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "s", version: "1" } } }));
        else if (id !== undefined) console.log(JSON.stringify({ jsonrpc: "2.0", id, result: method === "tools/list" ? { tools: [] } : {} }));
    }
});`;

function prepare(machine) {
    const at = (...path) => join(machine.root, ...path);
    mkdirSync(at("plugin/.claude-plugin"), { recursive: true });
    writeFileSync(at("plugin/.claude-plugin/plugin.json"), JSON.stringify({ name: "tested", version: "1.0.0", description: "d" }));
    mkdirSync(at("more"));
    writeFileSync(join(machine.dir, "server.mjs"), mcpServer);
    writeFileSync(join(machine.dir, "another-claude"), `#!/bin/sh\nANOTHER_CLAUDE=1 exec "${claudeProgram}" "$@"\n`, { mode: 0o755 });
    const hook = at("hooked");
    const agents = { tester: { description: "tests", prompt: "You are the tester." } };
    // [name, the setting that opens it, the options, what they do to {command, environ, metadata, request, result}]
    return [
        ["allowed_tools", 'session_options = ["allowed_tools"]', { allowed_tools: ["Bash"] }, ({ result }) => result.text === "Done." && result.pending_permissions.length === 0],
        ["agents", 'session_options = ["agents"]', { agents }, ({ metadata }) => metadata.agents.includes("tester")],
        ["agent", 'session_options = ["agent", "agents"]', { agent: "tester", agents }, ({ request }) => request.system.includes("You are the tester.")],
        ["mcp_servers", 'session_options = ["mcp_servers"]', { mcp_servers: { brought: { type: "stdio", command: process.execPath, args: [join(machine.dir, "server.mjs")] } } }, ({ metadata, command }) => metadata.mcpServers.some((s) => s.name === "brought" && s.status === "connected") && !command.includes("server.mjs")],
        ["settings", 'session_options = ["settings"]', { settings: { hooks: { UserPromptSubmit: [{ hooks: [{ type: "command", command: `touch ${hook}` }] }] } } }, ({ command }) => existsSync(hook) && !command.includes("touch")],
        ["setting_sources", 'session_options = ["setting_sources"]', { setting_sources: ["project"] }, ({ command }) => command.includes("--setting-sources=project ")],
        ["sandbox", 'session_options = ["sandbox"]', { sandbox: { enabled: false } }, ({ command }) => JSON.parse(readFileSync(/--settings=(\S+)/.exec(command)[1], "utf8")).sandbox.enabled === false],
        ["additional_directories", 'session_options = ["additional_directories"]', { additional_directories: [at("more")] }, ({ command }) => command.includes(`--add-dir=${at("more")}`)],
        ["plugins", 'session_options = ["plugins"]', { plugins: [at("plugin")] }, ({ metadata }) => metadata.plugins.some((p) => p.name === "tested" || p === "tested")],
        ["env", 'session_env = ["CODE_WORD"]', { env: { CODE_WORD: "hush" } }, ({ environ }) => environ.includes("CODE_WORD=hush")],
        ["executable", `session_executables = [${JSON.stringify(join(machine.dir, "another-claude"))}]`, { executable: join(machine.dir, "another-claude") }, ({ environ }) => environ.includes("ANOTHER_CLAUDE=1")],
        ["debug_file", 'session_options = ["debug_file"]', { debug_file: at("more/debug.log") }, () => existsSync(at("more/debug.log"))],
    ];
}

test("the options that the policy rules over", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const client = world.client();
    const local = () => new McpClient(machine.localUrl);
    const table = prepare(machine);
    const file = join(machine.codezHome, "config/agent.toml");

    const setPolicy = async (more) => {
        await machine.child.end();
        writeFileSync(file, `roots = [${JSON.stringify(machine.root)}]\n${more}\n`);
        await machine.start();
        await world.online(machine);
    };
    const audit = async (...args) => {
        const { code, stdout, stderr } = await machine.codez("audit", "--json", ...args);
        assert.equal(code, 0, stderr);
        return JSON.parse(stdout).audit;
    };
    const denied = async (promise, rule) => {
        const error = await promise.then(() => assert.fail("it was not refused"), (e) => e);
        assert.equal(error.code, "policy_denied", error.message);
        assert.ok(error.message.includes(`rule \`${rule}\``) && error.message.includes(file), error.message);
    };
    // All at once, each by its effect: a claude for each would take minutes.
    const works = async (via) => {
        for (const trace of ["hooked", "more/debug.log"]) rmSync(join(machine.root, trace), { force: true });
        const everything = Object.assign({}, ...table.map(([, , options]) => options));
        const { sessionId } = await via.call("create_session", { cwd: machine.project("all"), ...everything });
        const result = await via.call("send_and_wait", { session_id: sessionId, text: script(bash("touch allowed.txt"), "Done.") });
        const { all } = machine.processesOf(sessionId);
        const claude = all.find((p) => p.command.includes("--session-id=") || p.command.includes("--resume="));
        const { session } = await via.call("get_session", { session_id: sessionId, limit: 0 });
        const seen = { ...claude, metadata: session.metadata, request: world.api.log.findLast((r) => r.session === sessionId), result };
        for (const [name, , , effect] of table) assert.ok(effect(seen), `${name}: ${JSON.stringify({ ...seen, environ: undefined }).slice(0, 4000)}`);
        await via.call("dispose_session", { session_id: sessionId });
        return sessionId;
    };
    const ruleOf = (name) => (name === "env" ? "session_env" : name === "executable" ? "session_executables" : "session_options");

    await world.test("a hub is refused each, and it stands in the audit", async () => {
        for (const [name, , options] of table) await denied(client.call("create_session", { cwd: machine.root, ...options }), ruleOf(name));
        const entries = await audit("--refused");
        assert.deepEqual(entries.map((e) => [e.tool, e.outcome, e.origin, e.rule]), table.map(([name]) => ["create_session", "refused", "link", ruleOf(name)]));
        assert.ok(entries.every((e) => /^[0-9a-f]{64}$/.test(e.argumentsHash) && e.principal.startsWith("w_")));
        assert.ok(!JSON.stringify(entries).includes("server.mjs") && !JSON.stringify(entries).includes(machine.root), "no argument's text");
        assert.deepEqual((await client.call("list_sessions")).sessions, []);
        for (const { command } of world.machines.flatMap((m) => m.processesOf("claude").all)) assert.fail(`claude runs: ${command}`);
    });

    await world.test("who is at the machine may use each", async () => {
        await works(local());
        assert.equal((await audit("--since", "1h")).findLast((e) => e.tool === "create_session").origin, "local");
    });

    await world.test("a hub may use what the file names, as long as it does", async () => {
        await setPolicy(`session_options = [${table.filter(([name]) => ruleOf(name) === "session_options").map(([name]) => JSON.stringify(name))}]\nsession_env = ["CODE_WORD"]\n${table.find(([name]) => name === "executable")[1]}`);
        const session = await works(client);
        await denied(client.call("create_session", { cwd: machine.root, env: { LD_PRELOAD: "/x" } }), "session_env");
        await denied(client.call("create_session", { cwd: machine.root, executable: "/bin/sh" }), "session_executables");
        for (const via of [client, local()]) for (const args of [{ additional_directories: ["/etc"] }, { plugins: [machine.dir] }, { debug_file: join(machine.dir, "x.log") }]) await denied(via.call("create_session", { cwd: machine.root, ...args }), "roots");

        await setPolicy("");
        for (const via of [client, local()]) {  // it is still the hub's choice
            await denied(via.call("send_prompt", { session_id: session, text: "x" }), "session_options");
            const last = (await audit("--session", session)).at(-1);
            assert.deepEqual([last.tool, last.outcome, last.origin, last.sessionId], ["send_prompt", "refused", via === client ? "link" : "local", session]);
        }
    });

    await world.test("the audit is for people too, and says what is wrong with a filter", async () => {
        const { code, stdout } = await machine.codez("audit", "--refused", "--limit", "3");
        assert.equal(code, 0);
        assert.equal(stdout.trim().split("\n").length, 3);
        assert.match(stdout, /refused {2}(link|local) {1,3} {2}send_prompt .*by session_/);
        assert.equal((await machine.codez("audit", "--since", "yesterday")).code, 1);
    });
});

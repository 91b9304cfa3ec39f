// The options of create_session, each by its effect: on the arguments and the environment of the claude that it starts,
// or on what that asks of the API. Asked through the hub and at the machine itself, and again after a resume.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { McpClient, script, startWorld } from "../support/harness.mjs";

// [option, value, what it does to {command, environ, request}]
const table = [
    ["model", "claude-sonnet-4-5", ({ request }) => request.model === "claude-sonnet-4-5"],
    ["tools", ["Bash", "Read", "Grep"], ({ request }) => request.tools.includes("Grep") && !request.tools.includes("Write")],
    ["disallowed_tools", ["Read", "Bash(rm *)"], ({ request, command }) => !request.tools.includes("Read") && command.includes("--disallowedTools=Read,Bash(rm *)")],
    ["system_prompt", "You are a test of CodeZ.", ({ request }) => request.system.includes("You are a test of CodeZ.")],
    ["append_system_prompt", "Mind the appendix.", ({ request }) => request.system.includes("Mind the appendix.")],
    ["max_turns", 7, ({ command }) => command.includes("--max-turns=7")],
    ["max_budget_usd", 2.5, ({ command }) => command.includes("--max-budget-usd=2.5")],
    ["thinking", { type: "enabled", budget_tokens: 2000 }, ({ request }) => request.thinking.budget_tokens === 2000],
    ["fallback_model", "haiku", ({ command }) => command.includes("--fallback-model=haiku")],
    ["betas", ["context-1m-2025-08-07"], ({ request }) => request.betas.includes("context-1m-2025-08-07")],
    ["strict_mcp_config", true, ({ command }) => command.includes("--strict-mcp-config")],
    ["enable_file_checkpointing", true, ({ environ }) => environ.includes("CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING=true")],
    ["include_partial_messages", true, ({ command }) => command.includes("--include-partial-messages")],
    ["permission_mode", "acceptEdits", ({ command }) => command.includes("--permission-mode=acceptEdits")],
];
const all = Object.fromEntries(table);

test("the options of create_session", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const ways = [["through the hub", world.client()], ["at the machine", new McpClient(machine.localUrl)]];
    const turn = (client, session, ...steps) => client.call("send_and_wait", { session_id: session, text: script(...steps) });
    const seen = (session) => {
        const { command, environ } = machine.processesOf(session).claude;
        return { command, environ, request: world.api.log.findLast((r) => r.session === session) };
    };
    const made = async (client, name, args) => (await client.call("create_session", { cwd: machine.project(name), ...args })).sessionId;

    for (const [way, client] of ways) {
        await world.test(`each has its effect, ${way}`, async () => {
            const session = await made(client, "all", all);
            for (const time of client === ways[0][1] ? ["at first", "resumed"] : ["at first"]) {
                assert.equal((await turn(client, session, "Hello.")).text, "Hello.");
                for (const [option, value, works] of table) assert.ok(works(seen(session)), `${time}: ${option} = ${JSON.stringify(value)}: ${JSON.stringify(seen(session)).slice(0, 3000)}`);
                await client.call("dispose_session", { session_id: session });
            }
        });

        await world.test(`an answer's form, and no transcript, ${way}`, async () => {
            const schema = { type: "object", properties: { answer: { type: "string" } }, required: ["answer"] };
            const formal = await made(client, "formal", { output_format: { type: "json_schema", schema }, persist_session: false });
            const answered = await turn(client, formal, { tool: { name: "StructuredOutput", input: { answer: "yes" } } }, "Done.");
            assert.deepEqual(answered.result.structuredOutput, { answer: "yes" });
            await client.call("dispose_session", { session_id: formal });
            await assert.rejects(turn(client, formal, "Again."), (e) => e.code === "not_found" && /persist_session/.test(e.message));
        });

        await world.test(`what is no option is refused by name, ${way}`, async () => {
            const cwd = machine.project("wrong");
            for (const [args, named] of [
                [{ effort: "enormous" }, "effort"],
                [{ max_turns: 0 }, "max_turns"],
                [{ tools: ["Bash,Write"] }, "tools[0]"],
                [{ tools: "Bash" }, "tools"],
                [{ thinking: { type: "disabled", budget_tokens: 5 } }, "thinking.budget_tokens"],
                [{ thinking: { budget_tokens: 5 } }, "thinking.type"],
                [{ disallowed_tools: ["a\nb"] }, "disallowed_tools"],
                [{ output_format: { type: "xml", schema: {} } }, "output_format.type"],
                [{ system_prompt: "ä".repeat(65536), append_system_prompt: "ä".repeat(65536), output_format: { type: "json_schema", schema: { description: "x" } } }, "bytes together"],
                [{ extra_args: ["--x"] }, "extra_args"],
            ])
                await assert.rejects(client.call("create_session", { cwd, ...args }), (e) => e.code === "invalid_argument" && e.message.includes(named), named);
        });
    }

    await world.test("effort and the bounds of a turn", async () => {
        const client = world.client();
        const look = (name) => ({ text: "I look.", tool: { name: "Read", input: { file_path: join(machine.project(name), "none") } } });
        const low = await made(client, "effort", { effort: "low", max_turns: 1 });
        const tooLong = await turn(client, low, look("effort"), "Never said.");
        assert.equal(seen(low).request.effort, "low");
        assert.equal(tooLong.ok, false);
        assert.match(tooLong.error, /maximum number of steps/);

        const poor = await made(client, "poor", { max_budget_usd: 0.0001 });
        const tooDear = await turn(client, poor, look("poor"), "Never said.");
        assert.match(tooDear.error, /maximum cost/);
    });
});

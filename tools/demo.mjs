// Drives one session through the hub's /mcp before the reader's eyes; tools/up --demo runs it.
//
//   node demo.mjs MCP_URL CREDENTIAL ROOT

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { EventReader } from "../tests/support/event-reader.mjs";
import { script } from "../tests/support/fake-api/script.mjs";
import { McpClient } from "../tests/support/mcp-client.mjs";

const [url, credential, root] = process.argv.slice(2);
const client = new McpClient(url, credential);

const say = (text = "") => console.log(text);
const show = (value) => say(`   ${JSON.stringify(value)}`);

async function call(tool, args) {
    say(`-> ${tool} ${JSON.stringify(args).slice(0, 400)}`);
    const value = await client.call(tool, args);
    return value;
}

const textsOf = (message) => (message.parts ?? []).filter((p) => p.type === "text").map((p) => p.text);

async function main() {
    say("A session, driven through the hub by plain MCP calls:");
    say();
    const before = (await client.call("list_sessions", {})).sessions;
    if (before.length > 0) say(`Sessions kept from before: ${before.length}`);

    const cwd = join(root, "hello");
    mkdirSync(cwd, { recursive: true });
    const created = await call("create_session", { cwd });
    show(created);

    // What a model would decide for itself stands here as a script for the fake one.
    const command = `echo "Hello from a real Claude Code session, $(date)" > hello.txt && cat hello.txt`;
    const prompt = `Please greet me in a file. ${script(
        { text: "I will write the greeting.", tool: { name: "Bash", input: { command, description: "Write hello.txt" } } },
        "Done: the greeting is in hello.txt.",
    )}`;
    const session_id = created.sessionId;
    const sent = await call("send_prompt", { session_id, text: prompt });

    const reader = new EventReader(client, { session: session_id, cursor: sent.cursor });
    const asked = await reader.untilType("channel.permission_request");
    const { requestId, toolName, inputPreview } = asked.request;
    say();
    say(`Claude asks for permission to run ${toolName}:`);
    say(`   ${inputPreview}`);
    say("Allowing it, as you could from any MCP client:");
    show(await call("respond_permission", { session_id, request_id: requestId, behavior: "allow" }));

    const idle = await reader.until((e) => e.type === "session.idle" || e.type === "session.error", "the end of the turn");
    if (idle.type === "session.error") throw new Error(`the turn failed: ${JSON.stringify(idle)}`);
    const { messages } = await client.call("get_session", { session_id });
    say();
    say("The conversation:");
    for (const message of messages)
        for (const text of textsOf(message)) say(`   ${message.role}: ${text.replace(/ SCRIPT<<.*>>/s, "").trim()}`);
    say(`The file ${join(cwd, "hello.txt")}:`);
    say(`   ${readFileSync(join(cwd, "hello.txt"), "utf8").trim()}`);
    say();
}

await main().catch((error) => {
    console.error(`The demo could not go on: ${error.message}`);
    process.exitCode = 1;
});

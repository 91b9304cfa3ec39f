// Drives the real `claude` by stream-json through one turn whose script asks to run Bash, and allows it.
// It proves the fake API against the CLI itself, without CodeZ.
//
//   node claude-stream.mjs /path/to/claude

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { claudeVariables } from "./claude-env.mjs";
import { script } from "./fake-api/script.mjs";
import { startFakeApi } from "./fake-api.mjs";

async function main(claude) {
    const home = mkdtempSync(join(tmpdir(), "codez-claude-"));
    const api = await startFakeApi();
    const child = spawn(claude,
        ["-p", "--output-format", "stream-json", "--input-format", "stream-json", "--verbose", "--permission-prompt-tool", "stdio", "--permission-mode", "default"],
        { cwd: home, env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: home, LANG: "C.UTF-8", ...claudeVariables(api.url) }, stdio: ["pipe", "pipe", "inherit"] });
    const send = (message) => child.stdin.write(`${JSON.stringify(message)}\n`);
    send({ type: "control_request", request_id: "init", request: { subtype: "initialize" } });
    const command = "echo made > made_by_bash && echo out";
    const content = script({ thinking: "Let me see.", text: "I will run it.", tool: { name: "Bash", input: { command, description: "make a file" } } }, "Finished.");
    send({ type: "user", message: { role: "user", content }, parent_tool_use_id: null });
    let asked = 0;
    let result = null;
    for await (const line of createInterface({ input: child.stdout })) {
        const message = JSON.parse(line);
        if (message.type === "control_request" && message.request.subtype === "can_use_tool") {
            asked++;
            send({ type: "control_response", response: { subtype: "success", request_id: message.request_id, response: { behavior: "allow" } } });
        }
        if (message.type === "result") {
            result = message;
            child.stdin.end();
        }
    }
    const made = existsSync(join(home, "made_by_bash"));
    api.close();
    rmSync(home, { recursive: true, force: true });
    const ok = asked === 1 && made && result?.is_error === false && result.result === "Finished.";
    console.log(`asked ${asked}, file made: ${made}, result: ${result?.result}: ${ok ? "well" : "NOT WELL"}`);
    process.exitCode = ok ? 0 : 1;
}

if (process.argv[1]?.endsWith("claude-stream.mjs")) await main(process.argv[2]);

// A claude that runs on, with the hub as its MCP server: turn after turn in one process, over stream-json.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { createInterface } from "node:readline";

import { claudeProgram, script } from "../support/harness.mjs";
import { within } from "../support/wait.mjs";

export class ClaudeSession {
    #lines;

    constructor(url, key, { env, cwd, log }) {
        const servers = { mcpServers: { codez: { type: "http", url, headers: { Authorization: `Bearer ${key}` } } } };
        const argv = ["-p", "--input-format=stream-json", "--output-format=stream-json", "--verbose", "--mcp-config", JSON.stringify(servers), "--strict-mcp-config", "--allowedTools=mcp__codez", "--permission-mode=default"];
        const complaints = openSync(log, "a");
        this.process = spawn(claudeProgram, argv, { env, cwd, stdio: ["pipe", "pipe", complaints] });
        closeSync(complaints);
        this.process.stdin.on("error", () => {});
        this.ended = once(this.process, "exit");
        this.#lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
    }

    /** One turn, whose model calls this tool of the hub: the value that the model then sees; throws what it sees of a failure. */
    async call(name, input = {}) {
        const content = script({ tool: { name: `mcp__codez__${name}`, input } }, "Done.");
        this.process.stdin.write(`${JSON.stringify({ type: "user", message: { role: "user", content } })}\n`);
        const results = [];
        for (;;) {
            const { value, done } = await within(this.#lines.next(), `claude's turn with ${name}`, 60_000);
            if (done) throw new Error(`claude ended in its turn with ${name}`);
            const line = JSON.parse(value);
            if (line.type === "user") results.push(...line.message.content.filter((c) => c.type === "tool_result"));
            if (line.type !== "result") continue;
            if (results.length !== 1) throw new Error(`${results.length} results of one call: ${value}`);
            const { content: seen, is_error } = results[0];
            const text = typeof seen === "string" ? seen : seen.map((c) => c.text).join("");
            if (is_error) throw new Error(text);
            return JSON.parse(text);
        }
    }

    close() {
        this.process.stdin.end();
        return within(this.ended, "the end of claude");
    }
}

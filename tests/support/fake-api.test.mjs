// The fake API against the real claude, without CodeZ: what the other tests stand on.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";

import { claudeVariables } from "./claude-env.mjs";
import { dueStep, inlineScript, script } from "./fake-api/script.mjs";
import { startFakeApi } from "./fake-api.mjs";
import { claudeProgram, cleanEnv, run } from "./harness.mjs";
import { until } from "./wait.mjs";

const user = (content) => ({ role: "user", content });
const assistant = { role: "assistant", content: [] };

test("a script in a prompt is found, also when it carries another one", () => {
    const inner = script("inner");
    const outer = `do ${script({ tool: { name: "x", input: { text: inner } } }, "end ]>> of it")} now`;
    assert.deepEqual(inlineScript(outer), [{ tool: { name: "x", input: { text: inner } } }, { text: "end ]>> of it" }]);
    assert.equal(inlineScript("no script"), null);
    assert.throws(() => inlineScript("SCRIPT<<[1,"), /not closed/);
});

test("the step is the number of answers since the newest prompt with a script", () => {
    const toolResult = user([{ type: "tool_result", tool_use_id: "t", content: script("never run") }]);
    const talk = [user(script("a", "b")), assistant, toolResult];
    assert.deepEqual(dueStep(talk, []).step, { text: "b" });
    assert.deepEqual(dueStep([...talk, assistant, user("a plain prompt")], []).step, null);
    assert.deepEqual(dueStep([...talk, assistant, user("please sing")], [{ match: "sing", steps: [{ text: "la" }] }]).step, { text: "la" });
});

test("the real claude asks for permission, runs the command, and ends", async (t) => {
    const home = mkdtempSync(join(tmpdir(), "codez-claude-"));
    const api = await startFakeApi();
    const argv = ["-p", "--output-format", "stream-json", "--input-format", "stream-json", "--verbose", "--permission-prompt-tool", "stdio", "--permission-mode", "default"];
    const child = spawn(claudeProgram, argv, { cwd: home, env: cleanEnv(home, claudeVariables(api.url)), stdio: ["pipe", "pipe", "inherit"] });
    t.after(() => {
        child.kill("SIGKILL");
        api.close();
        rmSync(home, { recursive: true, force: true });
    });
    const send = (message) => child.stdin.write(`${JSON.stringify(message)}\n`);
    send({ type: "control_request", request_id: "init", request: { subtype: "initialize" } });
    const tool = { name: "Bash", input: { command: "echo made > made_by_bash && echo out", description: "make a file" } };
    send({ type: "user", message: user(script({ thinking: "Let me see.", text: "I will run it.", tool }, "Finished.")), parent_tool_use_id: null });
    let asked = 0;
    for await (const line of createInterface({ input: child.stdout })) {
        const message = JSON.parse(line);
        if (message.type === "control_request" && message.request.subtype === "can_use_tool") {
            assert.equal(existsSync(join(home, "made_by_bash")), false);
            asked++;
            send({ type: "control_response", response: { subtype: "success", request_id: message.request_id, response: { behavior: "allow" } } });
        }
        if (message.type !== "result") continue;
        assert.equal(message.is_error, false);
        assert.equal(message.result, "Finished.");
        child.stdin.end();
    }
    assert.equal(asked, 1);
    assert.ok(existsSync(join(home, "made_by_bash")));
});

test("holds, errors, cut and broken streams, over the network", async (t) => {
    const api = await startFakeApi();
    t.after(() => api.close());
    const ask = (steps, headers = { "x-api-key": "k" }) => fetch(`${api.url}/v1/messages`, { method: "POST", headers, body: JSON.stringify({ model: "m", stream: true, messages: [user(script(...steps))] }) });

    const limited = await ask([{ error: { status: 429, retry_after: 3 } }]);
    assert.equal(limited.status, 429);
    assert.equal(limited.headers.get("retry-after"), "3");
    assert.equal((await limited.json()).error.type, "rate_limit_error");
    assert.equal((await ask(["x"], {})).status, 401);
    assert.equal((await ask([{ error: { status: 529, times: 1 }, text: "then well" }])).status, 529);
    assert.match(await (await ask([{ error: { status: 529, times: 1 }, text: "then well" }])).text(), /then well/);
    await assert.rejects((await ask([{ text: "a text of some length for a cut", cut: true }])).text());
    assert.match(await (await ask([{ text: "broken", bad_sse: true }])).text(), /content_blo\n/);

    const held = await ask([{ text: "a text of some length for a hold", hold: "h" }]);
    await until(() => api.held.get("h") === 1, "the hold");
    await fetch(`${api.url}/release`, { method: "POST", body: '{"name":"h"}' });
    assert.match(await held.text(), /message_stop/);
    const { requests } = await (await fetch(`${api.url}/requests`)).json();
    assert.deepEqual(requests.map((r) => r.outcome), ["error", "error", "error", "answered", "cut", "answered", "answered"]);
});

test("the program writes its port and ends with SIGTERM", async () => {
    const directory = mkdtempSync(join(tmpdir(), "codez-fake-"));
    const { code, stdout } = await run(["sh", "-c", `"$0" "$1" --port 0 --port-file "$2/port" & until [ -s "$2/port" ]; do :; done; kill $!; wait $!`, process.execPath, join(import.meta.dirname, "fake-api.mjs"), directory]);
    rmSync(directory, { recursive: true });
    assert.equal(code, 0);
    assert.match(stdout, /^http:\/\/127\.0\.0\.1:\d+\n/);
});

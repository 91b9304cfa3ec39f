// The main job, for any client: a session is created, its claude asks for a command, is allowed, runs it and answers.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { script, until } from "../support/harness.mjs";
import { bash, ended, textsOf } from "../support/turns.mjs";

/** `call(tool, args)` gives what the client shows of a tool's value. */
export async function mainJob(call, machine, name) {
    const cwd = machine.project(name);
    const file = join(cwd, "made.txt");
    const { sessionId: session_id, cursor: from } = await call("create_session", { cwd });
    await call("send_prompt", { session_id, text: `Make it. ${script(bash(`echo by ${name} > made.txt`), "It is made.")}` });

    const events = [];
    let cursor = from;
    const seen = (wanted, what) =>
        until(async () => {
            const found = events.find(wanted);
            if (found) return found;
            const page = await call("poll_events", { session_id, cursor, timeout_ms: 5000 });
            cursor = page.next_cursor;
            events.push(...page.events);
        }, what, { ms: 60_000 });

    const { request } = await seen((e) => e.type === "channel.permission_request", "the permission request");
    assert.equal(request.toolName, "Bash");
    assert.equal(existsSync(file), false, "the command ran before it was allowed");
    await call("respond_permission", { session_id, request_id: request.requestId, behavior: "allow" });
    assert.equal((await seen(ended, "the end of the turn")).type, "session.idle");
    assert.equal(readFileSync(file, "utf8"), `by ${name}\n`);
    const { messages } = await call("get_session", { session_id });
    assert.ok(textsOf(messages).includes("It is made."), JSON.stringify(messages));
}

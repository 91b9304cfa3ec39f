// Claude's login on a machine that has none: told as exactly that, given by a file of the machine's, taken by the next
// prompt; and a claude that does not start says why.

import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { script, startWorld, until } from "../support/harness.mjs";
import { processesOf } from "../support/processes.mjs";

const secret = "sk-test-4711-secret";

test("a machine without Claude's login", async (t) => {
    const world = await startWorld(t, { agentEnv: { ANTHROPIC_API_KEY: undefined } });
    const machine = world.machines[0];
    const client = world.client();
    const file = join(machine.codezHome, "config/claude.env");
    const { session, cursor } = await world.createSession("login");
    const ask = (...steps) => client.call("send_and_wait", { session_id: session, text: script(...steps), timeout_ms: 45_000 });
    const ended = () => until(async () => (await client.call("get_session", { session_id: session, limit: 0 })).session.status === "idle", "the process without a login to end");

    await world.test("says exactly that, and what to do", async () => {
        const value = await ask("never said");
        assert.equal(value.is_error, true, JSON.stringify(value));
        assert.match(value.error, /^Claude Code is not logged in on this machine\. .*claude\.env/);
        const reader = world.reader({ session, cursor });
        assert.equal((await reader.untilType("session.error")).code, "not_logged_in");
        await ended();
    });

    await world.test("refuses a file that others may read", async () => {
        writeFileSync(file, `ANTHROPIC_API_KEY=${secret}\n`, { mode: 0o644 });
        chmodSync(file, 0o644);
        const error = await ask("never said").then(() => assert.fail("it was not refused"), (e) => e);
        assert.match(error.message, /claude\.env can be read by others. Run: chmod 600/);
        assert.ok(!JSON.stringify(error.envelope).includes(secret));
    });

    await world.test("takes the login from the file at the next prompt, without a restart", async () => {
        chmodSync(file, 0o600);
        const value = await ask("Logged in.");
        assert.equal(value.text, "Logged in.", JSON.stringify(value));
        assert.ok(!readFileSync(machine.log, "utf8").includes(secret));
        for (const p of processesOf(machine.dir)) assert.ok(!p.command.includes(secret), p.command);
    });

    await world.test("says so too when the login is refused", async () => {
        const value = await ask({ error: { status: 401, message: "invalid x-api-key" } });
        assert.match(value.error, /^Anthropic refused this machine's login \(401\)\. .*claude\.env.*It said: ./s);
        await ended();
    });
});

test("a claude that does not start", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const program = join(machine.dir, "broken-claude");
    writeFileSync(program, '#!/bin/sh\n[ "$1" = --version ] && { echo 9.9.9; exit 0; }\necho "cannot find libwonder.so" >&2\nexit 3\n', { mode: 0o755 });
    world.agentEnv = { CLAUDE_BIN: program };
    await machine.child.end();
    await machine.start();
    await world.online(machine);
    const error = await world.createSession("broken").then(() => assert.fail("it started"), (e) => e);
    assert.match(error.message, /exit code 3.*cannot find libwonder\.so/s);
    assert.deepEqual((await world.client().call("list_sessions")).sessions, []);
});

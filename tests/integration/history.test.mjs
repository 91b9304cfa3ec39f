// Sessions that claude left on the machine's disk before CodeZ knew of them: listed, read, and resumed by a prompt.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { claudeProgram, run, script, startWorld, until } from "../support/harness.mjs";
import { textsOf } from "../support/turns.mjs";

/** Runs `claude -p` as the machine's user would, to its end; the session's id. */
async function runClaude(machine, cwd, prompt, ...args) {
    const argv = [claudeProgram, "-p", prompt, "--output-format", "json", ...args];
    const { code, stdout, stderr } = await run(argv, { env: machine.env(), cwd });
    assert.equal(code, 0, `${stdout}${stderr}`);
    return JSON.parse(stdout).session_id;
}

test("a session that claude left on the disk", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const client = world.client();
    const cwd = machine.project("older");
    const session = await runClaude(machine, cwd, script("Said in the terminal."));

    await world.test("is listed as idle and can be read", async () => {
        const { sessions } = await client.call("list_sessions");
        const one = sessions.find((s) => s.id === session);
        assert.equal(one?.status, "idle");
        assert.equal(one.cwd, cwd);
        const { messages, pending_permissions } = await client.call("get_session", { session_id: session });
        assert.deepEqual(textsOf(messages).slice(-1), ["Said in the terminal."]);
        assert.deepEqual(pending_permissions, []);
        const nothing = await client.call("get_session", { session_id: session, limit: 0 });
        assert.deepEqual([nothing.messages, nothing.truncated], [[], true]);
        assert.deepEqual((await client.call("poll_events", { session_id: session, timeout_ms: 0 })).events, []);
        assert.equal((await client.call("abort_session", { session_id: session })).was_running, false);
    });

    await world.test("is resumed by a prompt, and goes on with what was said before", async () => {
        const first = await client.call("send_and_wait", { session_id: session, text: script("Said through the hub."), idempotency_key: "resumed" });
        assert.equal(first.done, true, JSON.stringify(first));
        assert.equal(first.via, "resume");
        assert.equal(first.text, "Said through the hub.");
        const asked = world.api.log.filter((r) => r.session === session);
        assert.equal(asked.length, 2, "one conversation of two requests");

        const { session: now, messages, truncated } = await client.call("get_session", { session_id: session });
        assert.equal(now.status, "live");
        assert.equal(truncated, false);
        const said = messages.filter((m) => m.role === "assistant").flatMap((m) => textsOf([m]));
        assert.deepEqual(said, ["Said in the terminal.", "Said through the hub."]);
        assert.equal(messages.filter((m) => m.role === "user").length, 2, JSON.stringify(messages));
        assert.equal(new Set(messages.map((m) => m.id)).size, messages.length, "no message twice");
        const newest = await client.call("get_session", { session_id: session, limit: 1 });
        assert.deepEqual([textsOf(newest.messages), newest.truncated], [["Said through the hub."], true]);
        const three = await client.call("get_session", { session_id: session, limit: 3 });
        assert.equal(three.messages.length, 3);
        assert.deepEqual(three.messages, messages.slice(-3));

        const { sessions } = await client.call("list_sessions");
        assert.equal(sessions.filter((s) => s.id === session).length, 1);
        assert.ok(existsSync(join(machine.home, ".claude/projects", now.projectSlug, `${session}.jsonl`)), "in the transcript that there was");
    });

    await world.test("is the same after kill -9 of the agent", async () => {
        const before = await client.call("get_session", { session_id: session });
        await machine.kill();
        await machine.start();
        await world.online(machine);
        const after = await client.call("get_session", { session_id: session });
        assert.deepEqual(after.messages, before.messages);
        const again = await client.call("send_and_wait", { session_id: session, text: script("A third time.") });
        assert.equal(again.via, "live");
        assert.equal(again.text, "A third time.");
    });

    await world.test("is nobody's business outside the policy's roots", async () => {
        const outside = join(machine.dir, "outside");
        mkdirSync(outside);
        const hidden = await runClaude(machine, outside, script("A secret."));
        for (const [tool, args] of [["get_session", {}], ["poll_events", {}], ["send_prompt", { text: "x" }], ["send_and_wait", { text: "x" }], ["abort_session", {}], ["dispose_session", {}]])
            await assert.rejects(client.call(tool, { session_id: hidden, ...args }), (e) => e.code === "not_found", tool);
        assert.ok(!JSON.stringify(await client.call("list_sessions")).includes(hidden));
        assert.ok(!JSON.stringify(await client.call("list_projects")).includes("outside"));
    });

    await world.test("is not resumed where a link now lies in its directory's place", async () => {
        const place = machine.project("moved");
        const moved = await runClaude(machine, place, script("Before."));
        renameSync(place, join(machine.dir, "moved-away"));
        symlinkSync(join(machine.dir, "moved-away"), place);
        await assert.rejects(client.call("send_prompt", { session_id: moved, text: "x" }), (e) => e.code === "policy_denied");
    });
});

test("a session that another claude has open", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const client = world.client();
    const cwd = machine.project("busy");
    const held = runClaude(machine, cwd, script({ text: "Held.", hold: "the other claude" }), "--session-id", "11111111-2222-4333-8444-555555555555");
    await until(() => world.api.held.get("the other claude") === 1, "the other claude to work");
    const session = "11111111-2222-4333-8444-555555555555";
    await until(async () => (await client.call("list_sessions")).sessions.some((s) => s.id === session), "its transcript");
    await assert.rejects(client.call("send_prompt", { session_id: session, text: "x" }), (e) => e.code === "session_busy" && /process \d+/.test(e.message));
    world.api.releaseHold("the other claude");
    await held;
    const answer = await client.call("send_and_wait", { session_id: session, text: script("Now it is ours.") });
    assert.equal(answer.text, "Now it is ours.");
});

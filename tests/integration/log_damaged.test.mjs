// The machine's log is damaged while a session works: told, set aside, begun anew under a new id. The session is taken in
// again from its processes, what was said before comes from its transcript, and readers are told of the gap.

import assert from "node:assert/strict";
import { closeSync, openSync, readdirSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { script, startWorld, until } from "../support/harness.mjs";
import { bash, ended, textsOf } from "../support/turns.mjs";

test("a damaged log", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const client = world.client();
    const state = join(machine.codezHome, "state");

    const idle = await world.createSession("idle");
    await client.call("send_and_wait", { session_id: idle.session, text: script("Said long ago.") });
    await client.call("dispose_session", { session_id: idle.session });
    const { session, cwd } = await world.createSession("working");
    await client.call("send_and_wait", { session_id: session, text: script("Said before.") });
    await client.call("send_prompt", { session_id: session, text: script(bash(`echo ran >> ${cwd}/ran.txt`), "Said after.") });
    const before = world.reader({ session });
    const asked = await before.untilType("channel.permission_request");
    const { cursor } = await client.call("get_session", { session_id: session });

    await machine.child.end(); // so that all of it is in log.db and nothing in its write-ahead log
    const file = join(state, "log.db");
    const fd = openSync(file, "r+");
    // A piece of every page but the first.
    for (let at = 5120; at < statSync(file).size; at += 4096) writeSync(fd, Buffer.alloc(2048, 0xa5), 0, 2048, at);
    closeSync(fd);
    await machine.start();
    await world.online(machine);

    await world.test("is told, and kept", async () => {
        const { machines } = await client.call("get_health");
        assert.match(machines[0].troubles.join(" "), /The log was damaged and a new one was begun\. The damaged file is kept as .*log\.db\.damaged-/);
        assert.ok(readdirSync(state).some((name) => name.startsWith("log.db.damaged-")));
    });

    await world.test("the session that works is there, its request too, and its turn goes on", async () => {
        const shown = await until(async () => {
            const value = await client.call("get_session", { session_id: session });
            return value.pending_permissions.length === 1 && value;
        }, "the session to be taken in");
        assert.equal(shown.session.status, "live");
        assert.equal(shown.session.cwd, cwd);
        assert.ok(textsOf(shown.messages).includes("Said before."), JSON.stringify(shown.messages));
        assert.equal(shown.pending_permissions[0].requestId, asked.request.requestId);

        const reader = world.reader({ session, cursor });
        assert.equal((await reader.until((e) => e.type === "stream.gap" || ended(e), "the gap")).type, "stream.gap");
        await client.call("respond_permission", { session_id: session, request_id: asked.request.requestId, behavior: "allow" });
        assert.equal((await reader.until(ended, "the end of the turn")).type, "session.idle");
        const { messages } = await client.call("get_session", { session_id: session });
        assert.ok(textsOf(messages).includes("Said after."));
        assert.equal((await client.call("send_and_wait", { session_id: session, text: script("And on.") })).text, "And on.");
    });

    await world.test("a session without a process is found in its transcript and goes on", async () => {
        const { sessions } = await client.call("list_sessions");
        assert.ok(sessions.some((s) => s.id === idle.session));
        assert.equal((await client.call("send_and_wait", { session_id: idle.session, text: script("Here too.") })).text, "Here too.");
        const { messages } = await client.call("get_session", { session_id: idle.session });
        assert.deepEqual(textsOf(messages).filter((x) => /^(Said|Here)/.test(x)), ["Said long ago.", "Here too."]);
    });
});

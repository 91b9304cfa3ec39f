// CodeZ's three documented workflows, literally: observe, drive, orchestrate two sessions. No cursor is ever passed.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { script, startWorld, until } from "../support/harness.mjs";
import { bash, ended, runTurn, textsOf } from "../support/turns.mjs";

test("the documented workflows, without cursors", async (t) => {
    const world = await startWorld(t);
    const client = world.client();
    const poll = async (args) => (await client.call("poll_events", { timeout_ms: 2000, ...args })).events;

    await world.test("observe: list_projects, list_sessions, get_session, poll_events", async () => {
        const made = await world.createSession("observed");
        const turn = await runTurn(client, made.session, script({ thinking: "Let me think.", blocks: 5 }, "unused"));

        const { projects } = await client.call("list_projects");
        const project = projects.find((p) => p.path === made.cwd);
        assert.ok(project, JSON.stringify(projects));
        assert.ok(project.sessionCount >= 1);
        const { sessions } = await client.call("list_sessions", { slug: project.slug });
        assert.ok(sessions.some((s) => s.id === made.session));
        const { session, messages } = await client.call("get_session", { session_id: made.session, slug: project.slug });
        assert.equal(session.id, made.session);
        assert.equal(textsOf(messages).filter((text) => text.startsWith("block ")).length, 5);

        // The turn was over before this first poll, which sees all of it.
        const seen = await poll({ session_id: made.session });
        const durable = turn.events.filter((e) => e.type !== "message.part.delta");
        assert.deepEqual(seen.filter((e) => e.type !== "message.part.delta").map((e) => e.seq), durable.map((e) => e.seq));
        assert.ok(seen.some(ended));
    });

    await world.test("drive: create_session, send_prompt, poll_events, respond_permission, get_session", async () => {
        const cwd = world.machines[0].project("driven");
        const slug = cwd.replaceAll(/[^A-Za-z0-9]/g, "-");
        const { sessionId } = await client.call("create_session", { slug, cwd });
        const sent = await client.call("send_prompt", { session_id: sessionId, text: script(bash("echo x > driven.txt"), "Driven."), cwd, slug });
        assert.equal(sent.ok, true);
        const asked = await until(async () => (await poll({ session_id: sessionId })).find((e) => e.type === "channel.permission_request"), "the permission request");
        const answer = await client.call("respond_permission", { session_id: sessionId, request_id: asked.request.requestId, behavior: "allow" });
        assert.equal(answer.ok, true);
        await until(async () => (await poll({ session_id: sessionId })).some((e) => e.type === "session.idle"), "the end of the turn");
        assert.ok(existsSync(join(cwd, "driven.txt")));
        const { messages } = await client.call("get_session", { session_id: sessionId, slug });
        assert.ok(textsOf(messages).includes("Driven."));
    });

    await world.test("orchestrate: two sessions at once, one poll for both", async () => {
        const both = await Promise.all(["left", "right"].map((name) => world.createSession(name)));
        await Promise.all(both.map((s, i) => client.call("send_prompt", { session_id: s.session, text: script(bash(`echo ${i} > result.txt`), `Part ${i} is done.`) })));
        const answered = new Set();
        const done = new Set();
        await until(async () => {
            for (const event of await poll({})) {
                if (event.type === "channel.permission_request" && !answered.has(event.request.requestId)) {
                    answered.add(event.request.requestId);
                    await client.call("respond_permission", { session_id: event.sessionId, request_id: event.request.requestId, behavior: "allow" });
                }
                if (event.type === "session.idle") done.add(event.sessionId);
            }
            return both.every((s) => done.has(s.session));
        }, "both sessions to be done", { ms: 60_000 });
        for (const [i, s] of both.entries()) {
            assert.ok(existsSync(join(s.cwd, "result.txt")));
            assert.ok(textsOf((await client.call("get_session", { session_id: s.session })).messages).includes(`Part ${i} is done.`));
        }
    });
});

// The same idempotency_key gives the same answer and acts once, also when the agent was killed in between.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { script, startWorld } from "../support/harness.mjs";
import { bash, ended, textsOf } from "../support/turns.mjs";

test("idempotency keys", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const client = world.client();

    await world.test("create_session with one key makes one session", async () => {
        const args = { cwd: machine.project("once"), idempotency_key: randomUUID() };
        const answers = await Promise.all([1, 2, 3].map(() => client.call("create_session", args)));
        assert.equal(new Set(answers.map((a) => a.sessionId)).size, 1);
        await machine.kill();
        await machine.start();
        await world.online(machine);
        assert.equal((await client.call("create_session", args)).sessionId, answers[0].sessionId);
        const other = await client.call("create_session", { ...args, idempotency_key: randomUUID() });
        assert.notEqual(other.sessionId, answers[0].sessionId);
        await assert.rejects(client.call("create_session", { ...args, cwd: machine.project("elsewhere") }), (e) => e.code === "idempotency_conflict");
    });

    await world.test("send_prompt with one key runs one turn", async () => {
        const { session, cwd, cursor } = await world.createSession("prompted");
        const args = { session_id: session, text: script(bash("echo ran >> ran.txt"), "Ran."), idempotency_key: randomUUID() };
        const first = await client.call("send_prompt", args);
        const second = await client.call("send_prompt", args);
        assert.equal(second.promptId, first.promptId);
        const reader = world.reader({ session, cursor });
        const asked = await reader.untilType("channel.permission_request");

        await machine.kill();
        await machine.start();
        await world.online(machine);
        assert.equal((await client.call("send_prompt", args)).promptId, first.promptId);
        await assert.rejects(client.call("send_prompt", { ...args, text: "something else" }), (e) => e.code === "idempotency_conflict");

        await client.call("respond_permission", { session_id: session, request_id: asked.request.requestId, behavior: "allow" });
        await reader.until(ended, "the end of the turn");
        assert.equal(readFileSync(join(cwd, "ran.txt"), "utf8"), "ran\n");
        const { messages } = await client.call("get_session", { session_id: session });
        assert.equal(textsOf(messages).filter((text) => text === "Ran.").length, 1);
    });

    await world.test("the first answer to a permission request wins", async () => {
        const { session, cursor } = await world.createSession("answered");
        await client.call("send_prompt", { session_id: session, text: script(bash("echo x > x.txt"), "Over.") });
        const reader = world.reader({ session, cursor });
        const asked = await reader.untilType("channel.permission_request");
        const answer = (behavior) => client.call("respond_permission", { session_id: session, request_id: asked.request.requestId, behavior }).then(() => "ok", (e) => e);
        const both = await Promise.all([answer("deny"), answer("allow")]);
        assert.equal(both.filter((a) => a === "ok").length, 1, both.join());
        await reader.until(ended, "the end of the turn");
        await assert.rejects(client.call("respond_permission", { session_id: session, request_id: "no-such-request", behavior: "deny" }), (e) => e.code === "not_found");
    });
});

// One writer for each conversation: another claude opens a session of ours in the middle of its turn. Ours gives way, the
// session is a mirror as long as the other runs, and ours again afterwards.

import assert from "node:assert/strict";
import { test } from "node:test";

import { claudeProgram, kill, script, startWorld, until } from "../support/harness.mjs";
import { Child } from "../support/processes.mjs";
import { ended } from "../support/turns.mjs";

test("a session that another claude opens", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const client = world.client();
    const show = async (id) => (await client.call("get_session", { session_id: id, limit: 0 })).session;
    /** Another claude that goes on with the session until its answer is released. */
    const open = async ({ session, cwd }, name) => {
        const argv = [claudeProgram, "-p", script({ text: "Said elsewhere.", hold: name }), "--resume", session];
        const other = new Child("the other claude", argv, { env: machine.env(), cwd, log: `${machine.dir}/${name}.log` });
        await until(() => world.api.held.get(name) === 1, "the other claude to work");
        return other;
    };

    await world.test("ends with its turn, takes no more prompts, and is ours again later", async () => {
        const made = await world.createSession("turn");
        const { session, cursor } = made;
        await client.call("send_and_wait", { session_id: session, text: script("Begun.") });
        const sent = await client.call("send_prompt", { session_id: session, text: script({ text: "Said here.", hold: "ours" }) });
        await until(() => world.api.held.get("ours") === 1, "our turn to run");
        const other = await open(made, "other");

        const reader = world.reader({ session, cursor });
        const conflict = await reader.untilType("session.conflict");
        assert.equal(conflict.pid, other.pid);
        await assert.rejects(client.call("send_prompt", { session_id: session, text: "x" }), (e) => e.code === "session_busy" && e.message.includes(String(other.pid)));

        world.api.releaseHold("ours");
        const turn = world.reader({ session, cursor: sent.cursor });
        assert.equal((await turn.until(ended, "the end of our turn")).type, "session.idle");
        await until(async () => (await show(session)).status === "mirror", "the session to be a mirror");
        await assert.rejects(client.call("send_prompt", { session_id: session, text: "x" }), (e) => e.code === "session_busy");
        const { sessions } = await client.call("list_sessions");
        assert.deepEqual(sessions.map((s) => [s.id, s.status]), [[session, "mirror"]]);

        world.api.releaseHold("other");
        await other.ended;
        await until(async () => (await show(session)).status === "idle", "the session to be ours again");
        const again = await client.call("send_and_wait", { session_id: session, text: script("Back here.") });
        assert.equal(again.text, "Back here.", JSON.stringify(again));
        assert.equal(reader.events.filter((e) => e.type === "session.conflict").length, 1);
    });

    await world.test("also when it did nothing, and when the other is killed", async () => {
        const made = await world.createSession("idle");
        await client.call("send_and_wait", { session_id: made.session, text: script("Begun.") });
        const other = await open(made, "killed");
        await until(async () => (await show(made.session)).status === "mirror", "the session to be a mirror");
        await machine.kill();
        await machine.start();
        await world.online(machine);
        assert.equal((await show(made.session)).status, "mirror", "also after a restart of the agent");
        kill(other.pid);
        await other.ended;
        world.api.releaseHold("killed");
        await until(async () => (await show(made.session)).status === "idle", "the end of the other to be seen");
        assert.equal((await client.call("send_and_wait", { session_id: made.session, text: script("Back.") })).text, "Back.");
    });
});

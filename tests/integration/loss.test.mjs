// kill -9 of claude or of its holder in the middle of a tool: an error event, the tools ended, the session resumable, and
// nobody is told that all went well.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { kill, script, startWorld, until } from "../support/harness.mjs";
import { untilGone } from "../support/processes.mjs";
import { bash, ended, textsOf } from "../support/turns.mjs";

test("a session that lost its processes", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const client = world.client();

    for (const victim of ["claude", "holder"])
        await world.test(`kill -9 of ${victim} while a tool runs`, async () => {
            const { session, cwd, cursor } = await world.createSession(`lost-${victim}`);
            const command = `touch ${cwd}/started; until [ -e ${cwd}/never ]; do sleep 0.05; done`;
            await client.call("send_prompt", { session_id: session, text: script(bash(command), "never said") });
            const reader = world.reader({ session, cursor });
            const asked = await reader.untilType("channel.permission_request");
            await client.call("respond_permission", { session_id: session, request_id: asked.request.requestId, behavior: "allow" });
            await until(() => existsSync(join(cwd, "started")), "the command to run");

            const before = machine.processesOf(session);
            assert.ok(before.claude && before.holder, JSON.stringify(before));
            kill(before[victim].pid);
            const end = await reader.until(ended, "the end of the turn");
            assert.equal(end.type, "session.error", JSON.stringify(end));
            for (const p of before.all) await untilGone(p.pid, p.command.slice(0, 100));

            const { session: now } = await client.call("get_session", { session_id: session });
            assert.notEqual(now.status, "live");
            const value = await client.call("send_and_wait", { session_id: session, text: script("Back again."), timeout_ms: 45_000 });
            assert.equal(value.done, true, JSON.stringify(value));
            const { messages } = await client.call("get_session", { session_id: session });
            assert.ok(textsOf(messages).includes("Back again."));
        });

    for (const victim of ["claude", "holder"])
        await world.test(`send_and_wait is told when ${victim} is killed`, async () => {
            const { session } = await world.createSession(`waiting-${victim}`);
            const hold = `answer-${victim}`;
            const answer = client.callRaw("send_and_wait", { session_id: session, text: script({ text: "an answer that never ends", hold }), timeout_ms: 45_000 });
            await until(() => world.api.held.get(hold) === 1, "the model to answer");
            kill(machine.processesOf(session)[victim].pid);
            const result = await answer;
            const said = JSON.stringify(result);
            assert.ok(result.isError || result.structuredContent.is_error || result.structuredContent.ok === false, said);
        });

    await world.test("a machine that reboots in the middle of a turn", async () => {
        const { session, cursor } = await world.createSession("rebooted");
        await client.call("send_prompt", { session_id: session, text: script({ text: "never whole", hold: "reboot" }) });
        await until(() => world.api.held.get("reboot") === 1, "the model to answer");
        const { all, holder } = machine.processesOf(session);
        // Nothing outlives the machine, and nobody can say goodbye.
        await machine.kill();
        for (const p of [holder, ...all]) kill(p.pid);
        await machine.start();
        await world.online(machine);
        const end = await world.reader({ session, cursor }).until(ended, "the end of the turn");
        assert.equal(end.type, "session.error", JSON.stringify(end));
        const { session: now } = await client.call("get_session", { session_id: session });
        assert.deepEqual([now.status, now.state], ["idle", "interrupted"]);
        const value = await client.call("send_and_wait", { session_id: session, text: script("Up again.") });
        assert.equal(value.text, "Up again.");
        assert.equal(world.api.log.filter((r) => r.session === session && r.prompt?.includes("never whole")).length, 1, "its prompt was not run again");
    });
});

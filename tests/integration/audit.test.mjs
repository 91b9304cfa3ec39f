// The hub's audit of calls: who called what, what became of it, by which rule it was refused; and nothing of what it said.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { hubProgram, run, script, startWorld, until } from "../support/harness.mjs";

test("the audit of calls", async (t) => {
    const world = await startWorld(t);
    const [machine] = world.machines;
    const client = world.client();
    const audit = async (...args) => (await world.hub.admin("audit", ...args)).entries;
    const entryOf = (action, ...args) => until(async () => (await audit(...args)).find((e) => e.action === action), `${action} in the audit`);

    const { session, cwd } = await world.createSession("audited");
    const secret = "a-prompt-that-nobody-writes-down";
    const args = { session_id: session, text: script({ text: secret }) };
    assert.equal((await client.call("send_and_wait", args)).done, true);

    await world.test("a call that acts is there, by ids and a hash", async () => {
        const { machines } = await client.call("list_machines");
        const entry = await entryOf("call.send_and_wait");
        assert.match(entry.actor, /^user:u_.*\/k_/);
        assert.equal(entry.result, "ok");
        assert.equal(entry.session, session);
        assert.equal(entry.machine, machines[0].machineId);
        assert.equal(entry.arguments_hash, createHash("sha256").update(JSON.stringify(args)).digest("hex"));
        assert.ok(Math.abs(Date.now() - entry.at) < 600_000);
        await entryOf("call.create_session");
    });

    await world.test("a call that only reads is not", async () => {
        await client.call("get_session", { session_id: session });
        assert.ok(!(await audit()).some((e) => e.action === "call.get_session" || e.action === "call.list_machines"));
    });

    await world.test("a refused call is there with the rule", async () => {
        await assert.rejects(client.call("create_session", { cwd: "/etc/audited-directory" }), (e) => e.code === "policy_denied");
        const refused = await entryOf("call.create_session", "--refused");
        assert.equal(refused.result, "policy_denied");
        assert.equal(refused.rule, "roots");
        assert.deepEqual((await audit("--refused")).filter((e) => e.result === "ok"), []);
    });

    await world.test("it is narrowed by machine and time, and printed for people", async () => {
        assert.ok((await audit("--machine", machine.name)).length >= 3);
        assert.ok((await audit("--since", "1h")).length >= 3);
        assert.deepEqual(await audit("--since", "2999-01-01"), []);
        const fails = async (...more) => {
            const { code, stderr } = await run([hubProgram, "audit", "--data", world.hub.data, ...more], { env: { PATH: "/usr/bin:/bin" } });
            assert.notEqual(code, 0);
            return stderr;
        };
        assert.match(await fails("--since", "yesterday"), /--since.*24h/);
        assert.match(await fails("--machine", "nobody"), /machine/);
        const { stdout } = await run([hubProgram, "audit", "--data", world.hub.data], { env: { PATH: "/usr/bin:/bin" } });
        assert.match(stdout, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}user:u_\S+ {2}call\.create_session {2}policy_denied {2}machine m_\S+ {2}rule roots$/m);
    });

    await world.test("what a call carried is not in the hub's database", async () => {
        await world.hub.child.end();
        const files = readdirSync(world.hub.data).map((name) => readFileSync(join(world.hub.data, name), "latin1"));
        for (const text of [secret, cwd, "audited-directory"]) assert.ok(files.every((file) => !file.includes(text)), text);
        await world.hub.start();
        await world.online(machine);
        assert.ok((await audit()).length >= 3, "it outlives the hub");
    });
});

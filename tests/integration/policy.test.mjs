// The machine's policy, asked through the hub: what it closes stays closed, whoever asks and however the path is spelled;
// a refusal names the rule and the file.

import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { McpClient, codezProgram, run, script, startWorld } from "../support/harness.mjs";
import { bash } from "../support/turns.mjs";

test("the policy of a machine", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const client = world.client();
    const file = join(machine.codezHome, "config/agent.toml");
    const local = () => new McpClient(machine.localUrl);

    const setPolicy = async (more) => {
        await machine.child.end();
        writeFileSync(file, `roots = [${JSON.stringify(machine.root)}]\n${more}\n`);
        await machine.start();
        await world.online(machine);
    };
    const denied = async (promise, rule) => {
        const error = await promise.then(() => assert.fail("it was not refused"), (e) => e);
        assert.equal(error.code, "policy_denied", error.message);
        assert.ok(error.message.includes(`rule \`${rule}\``) && error.message.includes("agent.toml"), error.message);
        assert.ok(error.envelope.hint, "and says what to do");
        assert.equal(error.envelope.retryable, false);
    };
    const create = (args, via = client) => via.call("create_session", args);

    await world.test("no spelling of a path leads out of the roots", async () => {
        mkdirSync(join(machine.dir, "outside/below"), { recursive: true });
        symlinkSync(join(machine.dir, "outside"), join(machine.root, "link"));
        symlinkSync("/", join(machine.root, "slash"));
        symlinkSync("/proc/self/root", join(machine.root, "magic"));
        const paths = ["/", "/etc", "/tmp", machine.dir, `${machine.root}/..`, `${machine.root}/../outside`, `${machine.root}/link`, `${machine.root}/link/below`, `${machine.root}/slash/etc`, `${machine.root}/magic`, `/proc/self/root${machine.dir}/outside`, `/proc/self/root/etc`, `${machine.root}x`, `${machine.root}/./link/../../outside`, `//etc//`];
        for (const via of [client, local()]) for (const cwd of paths) await denied(create({ cwd }, via), "roots");
        await assert.rejects(create({ cwd: `${machine.root}\u0000/../../etc` }), (e) => ["invalid_argument", "policy_denied"].includes(e.code));
        await assert.rejects(create({ cwd: `${machine.root}/%2e%2e/outside` }), (e) => e.code === "invalid_argument");
        const { sessions } = await client.call("list_sessions");
        assert.deepEqual(sessions, []);
        assert.equal((await create({ cwd: `/proc/self/root${machine.root}/../work/` })).cwd, machine.root, "another way to a root is that root");
        for (const name of ["slash", "magic"]) rmSync(join(machine.root, name)); // nobody should walk through them afterwards
    });

    await world.test("denials win over roots, also through links", async () => {
        for (const name of ["keys/below", "app/.ssh", "plain"]) machine.project(name);
        symlinkSync(join(machine.root, "keys"), join(machine.root, "harmless"));
        await setPolicy(`deny = ["keys", "**/.ssh"]`);
        for (const path of ["keys", "keys/below", "app/.ssh", "harmless", "harmless/below", "app/../keys"].map((p) => join(machine.root, p))) await denied(create({ cwd: path }), "deny");
        await create({ cwd: join(machine.root, "plain") });
    });

    await world.test("permission modes and prompts above the highest are refused, also for sessions of before", async () => {
        await setPolicy("");
        const cwd = machine.project("modes");
        await denied(create({ cwd, permission_mode: "auto" }), "max_permission_mode");
        await denied(create({ cwd, permission_mode: "bypassPermissions" }), "max_permission_mode");
        await denied(create({ cwd, permission_mode: "bypassPermissions" }, local()), "max_permission_mode");
        const { sessionId } = await create({ cwd, permission_mode: "acceptEdits" });
        await client.call("send_and_wait", { session_id: sessionId, text: script("Once.") });
        await setPolicy('max_permission_mode = "plan"\nmax_prompt_bytes = 200');
        await denied(client.call("send_prompt", { session_id: sessionId, text: "x" }), "max_permission_mode");
        await client.call("dispose_session", { session_id: sessionId });
        const resumed = await client.call("send_and_wait", { session_id: sessionId, text: script("Twice.") });
        assert.equal(resumed.text, "Twice.");
        assert.equal((await client.call("get_session", { session_id: sessionId, limit: 0 })).session.permissionMode, "plan");
        await denied(client.call("send_prompt", { session_id: sessionId, text: "x".repeat(201) }), "max_prompt_bytes");
    });

    await world.test("permission requests can be kept to the machine itself", async () => {
        await setPolicy('remote_permission_response = "never"');
        const { session } = await world.createSession("asks");
        const waiting = await client.call("send_and_wait", { session_id: session, text: script(bash("touch asked.txt"), "Done.") });
        const answer = { session_id: session, request_id: waiting.pending_permissions[0].requestId, behavior: "allow" };
        await denied(client.call("respond_permission", answer), "remote_permission_response");
        assert.deepEqual(await local().call("respond_permission", answer), { ok: true });
    });

    await world.test("a directory that became a link is not used any more", async () => {
        const { session, cwd } = await world.createSession("swapped");
        await client.call("send_and_wait", { session_id: session, text: script("Here.") });
        await client.call("dispose_session", { session_id: session });
        renameSync(cwd, join(machine.root, "moved"));
        symlinkSync(join(machine.dir, "outside"), cwd);
        await denied(client.call("send_prompt", { session_id: session, text: "x" }), "roots");
    });

    await world.test("a policy that cannot be read keeps the agent from starting, with the reason", async () => {
        await client.call("list_sessions").then(({ sessions }) => Promise.all(sessions.filter((s) => s.status === "live").map((s) => client.call("dispose_session", { session_id: s.id }))));
        await machine.child.end();
        for (const [text, why] of [["roots = [", "line"], ['roots = "/"', "roots"], ["root = []", "root"], ['deny = ["~/x"]', "~/x"], ['roots = ["/no/such/place"]', "/no/such/place"]]) {
            writeFileSync(file, text);
            const { code, stderr } = await run([codezProgram, "agent", "--local-port", "0"], { env: machine.env(), cwd: machine.dir });
            assert.equal(code, 1);
            assert.ok(stderr.includes("agent.toml") && stderr.includes(why), stderr);
        }
    });
});

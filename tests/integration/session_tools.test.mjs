// The tools beside a session's own work, each through the hub and through the machine's local endpoint: the same answers.

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { McpClient, kill, run, script, startWorld } from "../support/harness.mjs";
import { bash, runTurn } from "../support/turns.mjs";

test("the tools beside the conversation", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const remote = world.client();
    const local = () => new McpClient(machine.localUrl);
    const both = () => [["the hub", remote], ["the local endpoint", local()]];
    const { session } = await world.createSession("tools");
    await runTurn(remote, session, script("First."));
    await runTurn(remote, session, script("Second."));

    await world.test("get_events pages back through the log, also after a restart", async () => {
        const whole = await remote.call("get_events", { session_id: session, order: "oldest_first", limit: 1000 });
        assert.equal(whole.count, whole.events.length);
        assert.deepEqual(whole.events.map((e) => e.ordinal), whole.events.map((_, i) => i), "each from the first on");
        assert.equal(whole.events[0].type, "session.created");
        assert.equal(whole.events.filter((e) => e.type === "session.idle").length, 2);

        const first = await remote.call("get_events", { session_id: session, limit: 3 });
        assert.deepEqual(first.events, whole.events.slice(-3).reverse());
        await machine.kill();
        await machine.start();
        await world.online(machine);
        for (const [name, client] of both()) {
            let seen = first.events;
            for (let cursor = first.next_cursor; cursor; ) {
                const page = await client.call("get_events", { session_id: session, limit: 3, cursor });
                seen = [...seen, ...page.events];
                cursor = page.next_cursor;
            }
            assert.deepEqual(seen.filter((e) => e.ordinal < whole.count), [...whole.events].reverse(), name);
            const ends = await client.call("get_events", { session_id: session, types: ["session.idle"], to_ordinal: whole.count - 1 });
            assert.deepEqual(ends.events, whole.events.filter((e) => e.type === "session.idle").reverse(), name);
            await assert.rejects(client.call("get_events", { session_id: session, cursor: "0:elsewhere" }), (e) => e.code === "cursor_invalid");
            await assert.rejects(client.call("get_events", { session_id: "nobody" }), (e) => e.code === "not_found");
        }
    });

    await world.test("the state is one, whoever changes it, and outlives the agent", async () => {
        const marker = { id: "k1", messageId: "msg_1", label: "look here" };
        for (const [name, client] of both()) {
            await client.call("update_state", { patch: { preferences: { by: name, [name]: true }, markers: { [session]: [marker] }, recentCwds: [`/${name.replace(" ", "-")}`] } });
            for (const [, reader] of both()) {
                const state = await reader.call("get_state");
                assert.equal(state.preferences.by, name);
                assert.deepEqual(state.recentCwds, [`/${name.replace(" ", "-")}`]);
                assert.equal(state.markers[session][0].label, "look here");
                assert.equal(state.machines[0].machineName, machine.name);
            }
        }
        assert.deepEqual((await remote.call("update_state", { patch: { preferences: { "the hub": null } } })).preferences, { by: "the local endpoint", "the local endpoint": true });
        const key = { idempotency_key: "once" };
        const before = await remote.call("update_state", { patch: { preferences: { n: 1 } }, ...key });
        await remote.call("update_state", { patch: { preferences: { n: 2 } } });
        assert.deepEqual(await remote.call("update_state", { patch: { preferences: { n: 1 } }, ...key }), before, "the same key, the same answer");
        assert.equal((await remote.call("get_state")).preferences.n, 2, "and nothing done again");
        await machine.kill();
        await machine.start();
        await world.online(machine);
        assert.equal((await remote.call("get_state")).preferences.n, 2);
        for (const [, client] of both()) {
            await assert.rejects(client.call("update_state", { patch: { markers: { [session]: [{ id: "k" }] } } }), (e) => e.code === "invalid_argument" && e.message.includes("messageId"));
            await assert.rejects(client.call("update_state", { patch: { preferences: { big: "x".repeat(70_000) } } }), (e) => e.code === "resource_exhausted");
        }
    });

    await world.test("get_health_details names each part, and what was mended", async () => {
        const calm = (details) => ({ log: details.log, subsystems: details.subsystems.filter((p) => p.name !== "disk") });
        const details = await remote.call("get_health_details");
        assert.deepEqual(details.subsystems.filter((p) => !p.healthy), []);
        const names = details.subsystems.map((p) => p.name);
        for (const name of ["link", "log", "claude", "sessions", "policy", "disk", `session:${session.slice(0, 8)}`]) assert.ok(names.includes(name), name);
        assert.deepEqual(calm(await local().call("get_health_details")), calm(await remote.call("get_health_details", { machine: machine.name })));
        assert.ok(details.log.some((r) => r.action === "session.reattached" && r.details.includes(session)), JSON.stringify(details.log));

        await world.hub.kill();
        await world.hub.start();
        await world.online(machine);
        const { log } = await remote.call("get_health_details");
        assert.equal(log[0].action, "link.restored");
        assert.equal(log[0].machineName, machine.name);

        const { all, claude, holder } = machine.processesOf(session);
        await machine.kill();
        for (const process of [holder, claude, ...all]) process && kill(process.pid);
        await machine.start();
        await world.online(machine);
        const after = await remote.call("get_health_details");
        assert.ok(after.log.some((r) => r.action === "session.ended_meanwhile" && r.details.includes(session)), JSON.stringify(after.log));
        assert.ok(after.log.some((r) => r.action === "link.restored"), "earlier entries are kept");
    });

    await world.test("session_diff shows what a session did to its repository", async () => {
        const cwd = machine.project("repository");
        const git = async (...args) => assert.equal((await run(["git", "-C", cwd, "-c", "user.name=ada", "-c", "user.email=a@b", ...args], { env: { PATH: "/usr/bin:/bin", HOME: machine.home } })).code, 0, args.join(" "));
        await git("init", "-q", "-b", "main");
        writeFileSync(join(cwd, "kept.txt"), "one\n");
        await git("add", "-A");
        await git("commit", "-q", "-m", "first");
        writeFileSync(join(cwd, "before.txt"), "dirty before\n");
        const made = await remote.call("create_session", { cwd });
        for (const [name, client] of both()) {
            const nothing = await client.call("session_diff", { session_id: made.sessionId });
            assert.deepEqual([nothing.files, nothing.patch, nothing.base.since], [[], "", "session"], name);
        }
        await runTurn(remote, made.sessionId, script(bash("echo two >> kept.txt; echo new > new.txt"), "Done."));
        for (const [name, client] of both()) {
            const diff = await client.call("session_diff", { session_id: made.sessionId });
            assert.deepEqual(diff.files, [{ path: "kept.txt", status: "modified", additions: 1, deletions: 0 }, { path: "new.txt", status: "added", additions: 1, deletions: 0 }], name);
            assert.match(diff.patch, /^\+two$/m);
            assert.equal(diff.root, cwd);
            assert.equal(diff.truncated, false);
            const one = await client.call("session_diff", { session_id: made.sessionId, path: "new.txt", patch: false });
            assert.deepEqual([one.files.map((f) => f.path), one.patch], [["new.txt"], undefined]);
            writeFileSync(join(cwd, "long.txt"), "a line of it\n".repeat(200));
            const cut = await client.call("session_diff", { session_id: made.sessionId, max_bytes: 1024 });
            assert.ok(cut.truncated && cut.patch.length <= 1024 && cut.patch.endsWith("\n"), cut.patch);
            rmSync(join(cwd, "long.txt"));
            await assert.rejects(client.call("session_diff", { session_id: made.sessionId, path: "../x" }), (e) => e.code === "invalid_argument");
            await assert.rejects(client.call("session_diff", { session_id: session }), (e) => e.code === "invalid_argument" && /not in a git work tree/.test(e.message));
            await assert.rejects(client.call("session_diff", { session_id: "nobody" }), (e) => e.code === "not_found");
        }
    });

    await world.test("a session in a work tree of its own", async () => {
        const cwd = machine.project("shared");
        const sh = async (command) => assert.equal((await run(["sh", "-c", `cd '${cwd}' && ${command}`], { env: { PATH: "/usr/bin:/bin", HOME: machine.home } })).code, 0, command);
        await sh("git init -q -b main && git config user.name ada && git config user.email a@b && echo one > file && git add file && git commit -q -m first");
        await assert.rejects(remote.call("create_session", { cwd, worktree: {} }), (e) => e.code === "policy_denied" && e.message.includes("rule `worktrees`") && e.message.includes("agent.toml"));

        await machine.child.end();
        const trees = join(machine.root, "trees");
        writeFileSync(join(machine.codezHome, "config/agent.toml"), `roots = [${JSON.stringify(machine.root)}]\nworktrees = ${JSON.stringify(trees)}\n`);
        await machine.start();
        await world.online(machine);
        for (const [name, client] of both()) {
            const made = await client.call("create_session", { cwd, worktree: { name: name.replaceAll(" ", "-") } });
            assert.equal(made.cwd, join(trees, "shared", name.replaceAll(" ", "-")));
            await runTurn(client, made.sessionId, script(bash("echo two >> file"), "Done."));
            await sh("test \"$(cat file)\" = one");
            const diff = await client.call("session_diff", { session_id: made.sessionId });
            assert.deepEqual(diff.files.map((f) => f.path), ["file"], name);
            assert.equal((await client.call("dispose_session", { session_id: made.sessionId, remove_worktree: true })).worktree, "kept");
            await runTurn(client, made.sessionId, script(bash("git commit -q -a -m done"), "Done."));
            assert.equal((await client.call("dispose_session", { session_id: made.sessionId, remove_worktree: true })).worktree, "removed");
            await sh(`test "$(git show codez/${name.replaceAll(" ", "-")}:file | wc -l)" = 2`);
        }
    });
});

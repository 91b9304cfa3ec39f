// What decides permission requests besides people: grants for the session, the machine's rules, time. And where requests
// are found: in one list of the fleet, and again after every restart.

import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { McpClient, script, startWorld, until } from "../support/harness.mjs";
import { bash } from "../support/turns.mjs";

test("rules, grants and time", async (t) => {
    const world = await startWorld(t, { machines: 2 });
    const [machine, other] = world.machines;
    const client = world.client();
    const local = () => new McpClient(machine.localUrl);
    const setPolicy = async (more) => {
        await machine.child.end();
        writeFileSync(join(machine.codezHome, "config/agent.toml"), `roots = [${JSON.stringify(machine.root)}]\n${more}\n`);
        await machine.start();
        await world.online(machine);
    };
    const part = (name, body) => world.test(name, () => body().finally(() => Promise.all(world.machines.map((m) => world.disposeAll(m)))));
    const create = (name, args = {}, on = machine) => world.createSession(name, { machine: on.name, ...args }, { machine: on });
    const asking = async (name, steps, { args, on = machine } = {}) => {
        const made = await create(name, args, on);
        const waiting = await client.call("send_and_wait", { session_id: made.session, text: script(...steps) });
        assert.equal(waiting.done, false, JSON.stringify(waiting));
        return { ...made, request: waiting.pending_permissions[0], reader: world.reader({ session: made.session, cursor: waiting.cursor }) };
    };
    const answer = (asked, more) => client.call("respond_permission", { session_id: asked.session, request_id: asked.request.requestId, ...more });
    const idle = (reader) => reader.until((e) => e.type === "session.idle", "the end of the turn");
    const ofType = (reader, type) => reader.events.filter((e) => e.type === type);

    await part("allowed for the session: not asked again, also after claude was started anew, until it is taken back", async () => {
        const asked = await asking("grant", [bash("touch a.txt && date"), bash("touch a.txt && date"), "Twice."]);
        await answer(asked, { behavior: "allow_for_session" });
        await idle(asked.reader);
        const resolved = ofType(asked.reader, "channel.permission_resolved");
        assert.deepEqual(resolved.map((e) => e.answeredByKind), ["client", "grant"]);
        assert.equal(resolved[1].answeredBy, "ada");
        const { grants } = await client.call("get_session", { session_id: asked.session, limit: 0 });
        assert.deepEqual(resolved[0].grants.map((g) => g.grantId), grants.map((g) => g.grantId));

        await client.call("dispose_session", { session_id: asked.session });
        const resumed = await client.call("send_and_wait", { session_id: asked.session, text: script(bash("touch a.txt && date"), "Thrice.") });
        assert.equal(resumed.text, "Thrice.");

        assert.equal((await client.call("revoke_grant", { session_id: asked.session })).revoked, grants.length);
        assert.deepEqual((await client.call("get_session", { session_id: asked.session, limit: 0 })).grants, []);
        const again = await client.call("send_and_wait", { session_id: asked.session, text: script(bash("touch a.txt && date"), "Asked.") });
        assert.equal(again.pending_permissions.length, 1, "it is asked again");
        for (const via of [client, local()]) {
            assert.deepEqual(await via.call("revoke_grant", { session_id: asked.session }), { ok: true, revoked: 0 });
            await assert.rejects(via.call("revoke_grant", { session_id: asked.session, grant_id: "g999" }), (e) => e.code === "not_found");
        }
    });

    await part("files allowed for the session are those of its directory", async () => {
        const write = (path) => ({ tool: { name: "Write", input: { file_path: path, content: "x\n" } } });
        const made = await create("grant-files");
        const outside = join(machine.root, "outside.txt");
        const waiting = await client.call("send_and_wait", { session_id: made.session, text: script(write(join(made.cwd, "a.txt")), write(join(made.cwd, "b.txt")), write(outside), "Done.") });
        const reader = world.reader({ session: made.session, cursor: waiting.cursor });
        await answer({ session: made.session, request: waiting.pending_permissions[0] }, { behavior: "allow_for_session" });
        const open = await until(async () => (await client.call("get_session", { session_id: made.session })).pending_permissions.find((p) => p.input.file_path === outside), "the file outside to be asked for");
        assert.ok(existsSync(join(made.cwd, "b.txt")), "b.txt needed no answer");
        await answer({ session: made.session, request: open }, { behavior: "deny" });
        await idle(reader);
        assert.ok(!existsSync(outside));
    });

    await part("one list of the fleet, each with its machine; a machine that is away is told", async () => {
        const here = await asking("listed-1", [bash("touch a.txt"), "Done."]);
        const there = await asking("listed-2", [bash("touch b.txt"), "Done."], { on: other });
        const list = await client.call("list_permissions");
        assert.deepEqual(list.permissions.map((p) => [p.sessionId, p.machineName, p.requestId]), [
            [here.session, machine.name, here.request.requestId],
            [there.session, other.name, there.request.requestId],
        ]);
        assert.equal(list.permissions[0].cwd, here.cwd);
        const own = await local().call("list_permissions");
        assert.deepEqual(own.permissions.map((p) => p.requestId), [here.request.requestId]);
        await other.child.end();
        await world.online(other, false);
        const partly = await client.call("list_permissions");
        assert.deepEqual(partly.permissions.map((p) => p.sessionId), [here.session]);
        assert.equal(partly.unreachable[0].name, other.name);
        await other.start();
        await world.online(other);
        await answer(there, { behavior: "deny" });
    });

    await part("a request comes again on every reconnect: agent, hub, both", async () => {
        const asked = await asking("again", [bash("touch again.txt"), "Done."]);
        const shown = async () => {
            const fresh = await world.reader({ session: asked.session }).poll(1000);
            assert.equal(fresh.filter((e) => e.type === "channel.permission_request" && e.request.requestId === asked.request.requestId).length, 1);
            const { permissions } = await client.call("list_permissions");
            assert.deepEqual(permissions.map((p) => p.requestId), [asked.request.requestId]);
        };
        await shown();
        await machine.kill();
        await machine.start();
        await world.online(machine);
        await shown();
        await world.hub.kill();
        await world.hub.start();
        for (const m of world.machines) await world.online(m);
        await shown();
        await Promise.all([machine.kill(), world.hub.kill()]);
        await world.hub.start();
        await machine.start();
        for (const m of world.machines) await world.online(m);
        await shown();
        await answer(asked, { behavior: "allow" });
        await idle(asked.reader);
        assert.ok(existsSync(join(asked.cwd, "again.txt")));
    });

    await part("a request that nobody answers is denied when it said", async () => {
        const asked = await asking("expires", [bash("touch late.txt"), "As you like."], { args: { permission_expiry_s: 1 } });
        const request = await asked.reader.untilType("channel.permission_request");
        assert.equal(request.request.expiresAt, request.request.createdAt + 1000);
        assert.equal(asked.request.expiresAt, request.request.expiresAt);
        const end = await idle(asked.reader);
        assert.equal(end.result.text, "As you like.");
        const [resolved] = ofType(asked.reader, "channel.permission_resolved");
        assert.deepEqual([resolved.behavior, resolved.answeredBy, resolved.answeredByKind], ["deny", "expiry", "expiry"]);
        assert.ok(resolved.at >= request.request.expiresAt);
        assert.ok(!existsSync(join(asked.cwd, "late.txt")));
        await assert.rejects(answer(asked, { behavior: "allow" }), (e) => e.message.includes("denied by expiry"));
    });

    await part("the machine's rules allow, ask, deny and audit", async () => {
        await setPolicy('max_permission_mode = "acceptEdits"\n[tool_rules]\nallow = ["Bash(touch allowed.txt)"]\nask = ["Write"]\ndeny = ["Bash(touch forbidden*)"]\naudit = ["Bash"]');
        const made = await create("ruled", { permission_mode: "acceptEdits" });
        const file = join(made.cwd, "asked.txt");
        const waiting = await client.call("send_and_wait", { session_id: made.session, text: script(bash("perl -e 1; touch forbidden.txt"), bash("touch allowed.txt"), { tool: { name: "Write", input: { file_path: file, content: "x\n" } } }, "Done.") });
        assert.equal(waiting.pending_permissions[0].toolName, "Write", "asked for in spite of the mode");
        const reader = world.reader({ session: made.session, cursor: waiting.cursor });
        await answer({ session: made.session, request: waiting.pending_permissions[0] }, { behavior: "allow" });
        await idle(reader);
        assert.deepEqual(["forbidden.txt", "allowed.txt", "asked.txt"].map((f) => existsSync(join(made.cwd, f))), [false, true, true]);
        assert.deepEqual(ofType(reader, "tool.audited").map((e) => [e.toolName, e.rule]), [["Bash", "Bash"], ["Bash", "Bash"]]);
    });

    await part("a rule's answer is recorded as the rule's", async () => {
        await setPolicy('[tool_rules]\nallow = ["Bash(perl -e 1)"]');
        const made = await create("ruled-default");
        const value = await client.call("send_and_wait", { session_id: made.session, text: script(bash("perl -e 1"), "Ran.") });
        assert.equal(value.text, "Ran.", "nobody had to answer");
        const reader = world.reader({ session: made.session, cursor: made.cursor });
        await idle(reader);
        const [resolved] = ofType(reader, "channel.permission_resolved");
        assert.deepEqual([resolved.behavior, resolved.answeredBy, resolved.answeredByKind], ["allow", "Bash(perl -e 1)", "rule"]);
        const more = await client.call("send_and_wait", { session_id: made.session, text: script(bash("perl -e 1; perl -e 2"), "Ran.") });
        assert.equal(more.pending_permissions.length, 1, "more than the rule says is asked for");
    });
});

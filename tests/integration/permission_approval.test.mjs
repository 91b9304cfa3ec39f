// Who may answer permission requests: the policy's word on the client that prompted and on callers from afar, and a
// session's own programs, which never may.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { McpClient, script, startWorld } from "../support/harness.mjs";
import { bash } from "../support/turns.mjs";

test("who may answer", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const hub = world.client();
    const local = () => new McpClient(machine.localUrl);
    const setPolicy = async (more) => {
        await machine.child.end();
        writeFileSync(join(machine.codezHome, "config/agent.toml"), `roots = [${JSON.stringify(machine.root)}]\n${more}\n`);
        await machine.start();
        await world.online(machine);
    };
    const part = (name, body) => world.test(name, () => body().finally(() => world.disposeAll(machine)));
    const asking = async (via, name) => {
        const { session, cwd } = await world.createSession(name);
        const waiting = await via.call("send_and_wait", { session_id: session, text: script(bash("touch asked.txt"), "Done.") });
        assert.equal(waiting.pending_permissions.length, 1);
        return { session, cwd, args: { session_id: session, request_id: waiting.pending_permissions[0].requestId, behavior: "allow" }, reader: world.reader({ session, cursor: waiting.cursor }) };
    };
    const denied = (promise, rule) => assert.rejects(promise, (e) => e.code === "policy_denied" && e.message.includes(`rule \`${rule}\``) && e.message.includes("agent.toml"), rule);
    const idle = (asked) => asked.reader.until((e) => e.type === "session.idle", "the end of the turn");

    for (const choice of ["deny", "ask"])
        await part(`self_approval ${choice}: the client that prompted does not answer, another one does`, async () => {
            await setPolicy(`self_approval = "${choice}"`);
            const asked = await asking(hub, `self-${choice}`);
            await denied(hub.call("respond_permission", asked.args), "self_approval");
            await local().call("respond_permission", asked.args);
            await idle(asked);
            assert.ok(existsSync(join(asked.cwd, "asked.txt")));
            const own = await asking(local(), `self-local-${choice}`);
            await denied(local().call("respond_permission", own.args), "self_approval");
            await hub.call("respond_permission", own.args);
            await idle(own);
        });

    await part("remote_permission_response ask: an API key is no person", async () => {
        await setPolicy('remote_permission_response = "ask"');
        const asked = await asking(hub, "remote-ask");
        await denied(hub.call("respond_permission", asked.args), "remote_permission_response");
        await assert.rejects(hub.call("respond_permission", asked.args), (e) => e.message.includes("API key"));
        await local().call("respond_permission", asked.args);
        await idle(asked);
    });

    await part("a session's own programs do not answer, however they detach themselves", async () => {
        await setPolicy("");
        const asked = await asking(hub, "victim");
        const { session, cwd } = await world.createSession("attacker");
        const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "respond_permission", arguments: asked.args } });
        writeFileSync(join(cwd, "body.json"), body);
        const post = `curl -s ${machine.localUrl} -H 'Content-Type: application/json' -d @${join(cwd, "body.json")}`;
        writeFileSync(join(cwd, "run.sh"), `${post} > ${join(cwd, "plain.json")}\nsetsid env -i PATH=/usr/bin:/bin sh -c "(${post} > ${join(cwd, "detached.json")}; touch ${join(cwd, "over")}) &"\nuntil [ -e ${join(cwd, "over")} ]; do :; done\n`);
        const waiting = await hub.call("send_and_wait", { session_id: session, text: script(bash(`sh ${join(cwd, "run.sh")}`), "Tried.") });
        const reader = world.reader({ session, cursor: waiting.cursor });
        await hub.call("respond_permission", { session_id: session, request_id: waiting.pending_permissions[0].requestId, behavior: "allow" });
        await reader.until((e) => e.type === "session.idle", "the end of the turn");
        for (const file of ["plain.json", "detached.json"]) {
            const text = readFileSync(join(cwd, file), "utf8");
            const { result } = JSON.parse(text);
            assert.equal(result.isError, true, text);
            assert.equal(JSON.parse(result.content[0].text).code, "permission_denied", text);
        }
        assert.ok(!existsSync(join(asked.cwd, "asked.txt")));
        await local().call("respond_permission", asked.args);
        await idle(asked);
        assert.ok(existsSync(join(asked.cwd, "asked.txt")));
    });
});

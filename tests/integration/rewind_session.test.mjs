// rewind_session: files as they were before a prompt, from the copies that the real claude keeps; through the hub and at the
// machine itself.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { McpClient, script, startWorld, until } from "../support/harness.mjs";

test("rewind_session", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const client = world.client();
    const ways = [["hub", client], ["machine", new McpClient(machine.localUrl)]];
    const say = (session, ...steps) => client.call("send_and_wait", { session_id: session, text: script(...steps) });
    const make = async (name, args = {}) => {
        const made = await client.call("create_session", { cwd: machine.project(name), permission_mode: "acceptEdits", ...args });
        return { session: made.sessionId, file: (base) => join(made.cwd, base) };
    };
    const edit = (session, file, from, to) =>
        say(session, { tool: { name: "Read", input: { file_path: file } } }, { tool: { name: "Edit", input: { file_path: file, old_string: from, new_string: to } } }, "Edited.");
    const fails = (way, args, code, text) => assert.rejects(way.call("rewind_session", args), (e) => assert.ok(e.code === code && text.test(e.message), `${e.code}: ${e.message}`) === undefined);

    for (const [name, way] of ways) {
        const { session, file } = await make(`rewound-${name}`, { enable_file_checkpointing: true });
        const [old, fresh] = [file("old.txt"), file("new.txt")];
        writeFileSync(old, "original\n");
        const first = await edit(session, old, "original", "first");
        const second = await edit(session, old, "first", "second");
        const third = await say(session, { tool: { name: "Write", input: { file_path: fresh, content: "new\n" } } }, "Written.");
        const rewind = (prompt, args = {}) => way.call("rewind_session", { session_id: session, prompt_id: prompt.promptId, ...args });

        await world.test(`dry_run tells and changes nothing (${name})`, async () => {
            const would = await rewind(second, { dry_run: true });
            assert.deepEqual([would.files.sort(), would.insertions > 0], [[fresh, old], true]);
            assert.equal(readFileSync(old, "utf8"), "second\n");
            assert.ok(existsSync(fresh));
        });

        await world.test(`the files are as before the prompt, and it is told (${name})`, async () => {
            const { cursor } = await client.call("get_session", { session_id: session, limit: 0 });
            assert.deepEqual((await rewind(third)).files, [fresh]);
            assert.ok(!existsSync(fresh));
            assert.equal(readFileSync(old, "utf8"), "second\n");
            assert.deepEqual((await rewind(second)).files, [old]);
            assert.equal(readFileSync(old, "utf8"), "first\n");
            const told = await world.reader({ session, cursor }, way).until((e) => e.type === "session.rewound" && e.promptId === second.promptId);
            assert.deepEqual(told.files, [old]);
            assert.deepEqual((await rewind(second)).files, [], "again: nothing differs");
        });

        await world.test(`also when no claude runs any more (${name})`, async () => {
            await client.call("dispose_session", { session_id: session });
            assert.deepEqual((await rewind(first)).files, [old]);
            assert.equal(readFileSync(old, "utf8"), "original\n");
            assert.equal((await say(session, "And on.")).text, "And on.");
        });

        await world.test(`what it does not do (${name})`, async () => {
            await fails(way, { session_id: session, prompt_id: "00000000-0000-4000-8000-000000000000" }, "not_found", /checkpoint/);
            await fails(way, { session_id: "nobody", prompt_id: "x" }, "not_found", /session/);
            await fails(way, { session_id: session, prompt_id: first.promptId, slug: "-other" }, "invalid_argument", /slug/);
            const without = await make(`without-${name}`);
            const { promptId } = await say(without.session, "Said.");
            await fails(way, { session_id: without.session, prompt_id: promptId }, "invalid_argument", /enable_file_checkpointing/);
            const sent = await client.call("send_prompt", { session_id: session, text: script({ text: "Held.", hold: name }) });
            await until(() => world.api.held.get(name) === 1, "the turn to run");
            await fails(way, { session_id: session, prompt_id: first.promptId }, "session_busy", /turn/);
            world.api.releaseHold(name);
            await world.reader({ session, cursor: sent.cursor }).until((e) => e.type === "session.idle");
        });
    }

    await world.test("who may not answer permission requests puts no file back", async () => {
        const { session, file } = await make("refused", { enable_file_checkpointing: true });
        const { promptId } = await say(session, { tool: { name: "Write", input: { file_path: file("f"), content: "x" } } }, "Written.");
        await machine.child.end();
        writeFileSync(join(machine.codezHome, "config/agent.toml"), `roots = [${JSON.stringify(machine.root)}]\nremote_permission_response = "never"\n`);
        await machine.start();
        await world.online(machine);
        await fails(client, { session_id: session, prompt_id: promptId }, "policy_denied", /remote_permission_response.*agent.toml/);
        assert.ok(existsSync(file("f")));
        assert.deepEqual((await client.call("rewind_session", { session_id: session, prompt_id: promptId, dry_run: true })).files, [file("f")]);
    });
});

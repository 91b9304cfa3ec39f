// Every tool that acts, through the hub and at the machine itself: the same key with the same arguments gives the same answer
// and does not act again, also after the agent was killed; with other arguments it is an error that says so.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { McpClient, script, startWorld, until } from "../support/harness.mjs";
import { bash } from "../support/turns.mjs";

const catalogue = new URL("../../proto/tools/", import.meta.url);
const acting = readdirSync(catalogue)
    .map((file) => JSON.parse(readFileSync(new URL(file, catalogue))))
    .filter((tool) => !tool.annotations.readOnlyHint)
    .map((tool) => tool.name);

test("idempotency keys of every tool that acts", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    await machine.child.end();
    writeFileSync(join(machine.codezHome, "config/agent.toml"), `roots = [${JSON.stringify(machine.root)}]\nmax_sessions = 64\n`);
    await machine.start();
    await world.online(machine);
    const ways = { hub: () => world.client(), machine: () => new McpClient(machine.localUrl) };
    const asked = (session) => world.api.log.filter((r) => r.session === session).length;

    /** What a tool is tried with: a `make` gives arguments, others, what comes in between, and what shows a second act. */
    const table = (client, way) => {
        const call = (tool, args) => client().call(tool, args);
        const make = async (name, args = {}) => {
            const made = await call("create_session", { cwd: machine.project(`${name}-${way}`), ...args });
            return { session_id: made.sessionId, cwd: made.cwd };
        };
        const say = (session_id, ...steps) => call("send_and_wait", { session_id, text: script(...steps) });
        const show = async (session_id) => call("get_session", { session_id, limit: 0 });
        const within = async (cwd) => (await call("list_sessions", {})).sessions.filter((s) => s.cwd === cwd).length;
        const hold = async (session_id, name) => {
            await call("send_prompt", { session_id, text: script({ text: "Held.", hold: name }) });
            await until(() => world.api.held.get(name) === 1, `${name} to be held`);
        };
        const permission = async (session_id, command) => {
            const { pending_permissions: [request] } = await say(session_id, bash(command), "Ran.");
            return { session_id, request_id: request.requestId };
        };
        const over = (session_id) => until(async () => (await show(session_id)).session.state === "idle", "the turn to end");
        const grant = async (session_id) => {
            await call("respond_permission", { ...(await permission(session_id, "npm view codez")), behavior: "allow_for_session" });
            await over(session_id);
        };
        const prompt = async (name) => {
            const { session_id } = await make(name);
            return {
                args: { session_id, text: script("Said once.") },
                other: { session_id, text: script("Something else.") },
                between: () => over(session_id),
                check: () => assert.equal(asked(session_id), 1),
            };
        };
        return {
            async create_session() {
                const [cwd, elsewhere] = [machine.project(`created-${way}`), machine.project(`elsewhere-${way}`)];
                return { args: { cwd }, other: { cwd: elsewhere }, check: async () => assert.deepEqual([await within(cwd), await within(elsewhere)], [1, 0]) };
            },
            async fork_session() {
                const { session_id, cwd } = await make("forked");
                await say(session_id, "Said before.");
                return { args: { session_id }, other: { session_id, title: "Other" }, check: async () => assert.equal(await within(cwd), 2) };
            },
            async update_session() {
                const { session_id } = await make("updated");
                return {
                    args: { session_id, title: "First" },
                    other: { session_id, title: "Other" },
                    between: () => call("update_session", { session_id, title: "Second" }),
                    check: async () => assert.equal((await show(session_id)).session.title, "Second"),
                };
            },
            async rewind_session() {
                const { session_id, cwd } = await make("rewound", { enable_file_checkpointing: true, permission_mode: "acceptEdits" });
                const file = join(cwd, "written.txt");
                const write = (content) => say(session_id, { tool: { name: "Write", input: { file_path: file, content } } }, "Written.");
                const { promptId } = await write("by claude\n");
                return {
                    args: { session_id, prompt_id: promptId },
                    other: { session_id, prompt_id: promptId, dry_run: true },
                    between: () => (assert.ok(!existsSync(file)), writeFileSync(file, "by a person\n")),
                    check: () => assert.equal(readFileSync(file, "utf8"), "by a person\n"),
                };
            },
            async update_state() {
                const patch = (value) => ({ patch: { preferences: { [way]: value } } });
                return {
                    args: patch(1),
                    other: patch(3),
                    between: () => call("update_state", patch(2)),
                    check: async () => assert.equal((await call("get_state", {})).preferences[way], 2),
                };
            },
            send_prompt: () => prompt("prompted"),
            send_and_wait: () => prompt("waited"),
            async respond_permission() {
                const { session_id, cwd } = await make("permitted");
                const request = await permission(session_id, "echo ran >> ran.txt");
                return {
                    args: { ...request, behavior: "allow" },
                    other: { ...request, behavior: "deny" },
                    between: () => over(session_id),
                    check: () => assert.equal(readFileSync(join(cwd, "ran.txt"), "utf8"), "ran\n"),
                };
            },
            async revoke_grant() {
                const { session_id } = await make("granted");
                await grant(session_id);
                const grants = async () => (await call("get_session", { session_id })).grants.length;
                assert.equal(await grants(), 1);
                return { args: { session_id }, other: { session_id, grant_id: "g1" }, between: () => grant(session_id), check: async () => assert.equal(await grants(), 1) };
            },
            async abort_session() {
                const { session_id } = await make("aborted");
                await hold(session_id, `first-${way}`);
                const other = await make("not-aborted");
                return {
                    args: { session_id },
                    other: { session_id: other.session_id },
                    between: async () => {
                        await over(session_id);
                        await hold(session_id, `second-${way}`);
                    },
                    check: async () => assert.equal((await show(session_id)).session.state, "running"),
                };
            },
            async dispose_session() {
                const { session_id } = await make("disposed");
                return {
                    args: { session_id },
                    other: { session_id, remove_worktree: true },
                    between: () => say(session_id, "Back."),
                    check: async () => assert.equal((await show(session_id)).session.status, "live"),
                };
            },
        };
    };

    const begun = [];
    for (const [way, client] of Object.entries(ways)) {
        const tools = table(client, way);
        assert.deepEqual(Object.keys(tools).sort(), acting.toSorted(), "a tool that acts is missing here");
        for (const [tool, make] of Object.entries(tools))
            await world.test(`${tool}: once, and the same answer (${way})`, async () => {
                const one = await make();
                const key = randomUUID();
                const first = await client().call(tool, { ...one.args, idempotency_key: key });
                begun.push({ way, client, tool, key, first, ...one });
                assert.deepEqual(await client().call(tool, { ...one.args, idempotency_key: key }), first);
                await assert.rejects(client().call(tool, { ...one.other, idempotency_key: key }), (e) => e.code === "idempotency_conflict" && e.message.length > 20);
                await one.between?.();
                assert.deepEqual(await client().call(tool, { ...one.args, idempotency_key: key }), first);
                await one.check();
            });
    }

    await machine.kill();
    await machine.start();
    await world.online(machine);
    for (const { way, client, tool, key, first, args, other, check } of begun)
        await world.test(`${tool}: also after the agent was killed (${way})`, async () => {
            assert.deepEqual(await client().call(tool, { ...args, idempotency_key: key }), first);
            await assert.rejects(client().call(tool, { ...other, idempotency_key: key }), (e) => e.code === "idempotency_conflict");
            await check();
        });
    for (const way of Object.keys(ways)) world.api.releaseHold(`second-${way}`);
});

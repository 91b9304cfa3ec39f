// send_and_wait asks the person at the client about a permission request, by the official SDKs, at the machine and through the
// hub: what each answer does.

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { script, startWorld } from "../support/harness.mjs";
import { bash } from "../support/turns.mjs";
import { connectV1, connectV2, eras } from "./sdks.mjs";

const clients = [
    { name: "SDK v1", connect: connectV1, revision: "2025-11-25" },
    ...eras.map(({ name, mode, revision }) => ({ name: `SDK v2 ${name}`, connect: (url, key, onForm) => connectV2(url, key, mode, onForm), revision })),
];

const modern = clients.filter(({ revision }) => revision === "2026-07-28");
const allow = { action: "accept", content: { decision: "allow" } };

test("send_and_wait asks", async (t) => {
    const world = await startWorld(t);
    const [machine] = world.machines;
    const endpoints = [
        { where: "the machine's endpoint", url: machine.localUrl, key: "" },
        { where: "the hub", url: world.hub.mcpUrl, key: world.hub.credentials.api_key },
    ];
    for (const { where, url, key } of endpoints)
        for (const { name, connect, revision } of clients)
            await world.test(`${name} at ${where}`, async (t) => {
                let decide;
                const forms = [];
                const client = await connect(url, key, (params, signal) => {
                    forms.push(params);
                    return decide(params, signal);
                });
                t.after(() => client.close());
                const cwd = machine.project(`${name} at ${where}`.replaceAll(/[^a-zA-Z]/g, "-"));
                const { sessionId: session_id } = await client.call("create_session", { cwd });
                t.after(() => world.client().call("dispose_session", { session_id }));

                /** A turn whose claude asks once: what send_and_wait gave, the file that the command makes. */
                let turns = 0;
                const turn = async (answer) => {
                    decide = answer;
                    forms.length = 0;
                    const made = `made-${++turns}.txt`;
                    const value = await client.call("send_and_wait", { session_id, text: script(bash(`echo made > ${made}`), "Thank you.") });
                    return { value, file: join(cwd, made) };
                };

                await t.test("allow: the command runs, and the call waits on", async () => {
                    const { value, file } = await turn(() => allow);
                    assert.equal(forms.length, 1);
                    assert.match(forms[0].message, /Bash[^]*echo made/);
                    assert.deepEqual([value.done, value.text, value.pending_permissions], [true, "Thank you.", []]);
                    assert.equal(readFileSync(file, "utf8"), "made\n");
                });

                await t.test("deny: claude goes on without it", async () => {
                    const { value, file } = await turn(() => ({ action: "accept", content: { decision: "deny", message: "Leave it." } }));
                    assert.deepEqual([value.done, value.text], [true, "Thank you."]);
                    assert.equal(existsSync(file), false);
                    assert.match(JSON.stringify(value.messages), /Leave it\./);
                });

                await t.test("declined, closed or filled in with nonsense: it stays open", async () => {
                    for (const undecided of [{ action: "decline" }, { action: "cancel" }, { action: "accept", content: { decision: "perhaps" } }, { action: "accept", content: {} }]) {
                        const { value, file } = await turn(() => undecided);
                        assert.deepEqual([value.done, value.timedOut, value.pending_permissions.length], [false, false, 1], JSON.stringify(undecided));
                        assert.equal(existsSync(file), false);
                        await client.call("abort_session", { session_id });
                    }
                });

                await t.test("answered elsewhere meanwhile: the question is taken back where that is possible, the call waits on", async () => {
                    const other = world.client();
                    const { value, file } = await turn(async (params, signal) => {
                        assert.match(params.message, new RegExp(session_id));
                        const { pending_permissions } = await other.call("get_session", { session_id });
                        await other.call("respond_permission", { session_id, request_id: pending_permissions[0].requestId, behavior: "allow" });
                        if (revision !== "2026-07-28" && !signal.aborted) await once(signal, "abort");
                        return { action: "accept", content: { decision: "deny" } };
                    });
                    assert.equal(forms.length, 1);
                    assert.deepEqual([value.done, value.text], [true, "Thank you."]);
                    assert.equal(readFileSync(file, "utf8"), "made\n");
                });
            });
});

test("the hub is restarted while the person decides: the next round works", async (t) => {
    const world = await startWorld(t);
    for (const { name, connect } of modern)
        await world.test(name, async (t) => {
            const client = await connect(world.hub.mcpUrl, world.hub.credentials.api_key, async () => {
                await world.hub.kill();
                await world.hub.start();
                await world.online(world.machines[0]);
                return allow;
            });
            t.after(() => client.close());
            const cwd = world.machines[0].project(name.replaceAll(" ", "-"));
            const { sessionId: session_id } = await client.call("create_session", { cwd });
            const value = await client.call("send_and_wait", { session_id, text: script(bash("echo made > made.txt"), "Thank you.") });
            assert.deepEqual([value.done, value.text], [true, "Thank you."]);
            assert.equal(readFileSync(join(cwd, "made.txt"), "utf8"), "made\n");
            const prompts = value.messages.filter((m) => m.role === "user" && m.parts.some((p) => p.type === "text"));
            assert.equal(prompts.length, 1, "the prompt was sent once");
        });
});

test("a machine whose policy takes no answers from afar asks nobody there", async (t) => {
    const world = await startWorld(t);
    const [machine] = world.machines;
    await machine.child.end();
    writeFileSync(join(machine.codezHome, "config/agent.toml"), `roots = [${JSON.stringify(machine.root)}]\nremote_permission_response = "never"\n`);
    await machine.start();
    await world.online(machine);
    let asked = 0;
    const onForm = () => {
        asked++;
        return allow;
    };
    const { session } = await world.createSession("kept");
    const turn = async (client) => {
        t.after(() => client.close());
        const value = await client.call("send_and_wait", { session_id: session, text: script(bash("echo kept > kept.txt"), "Thank you.") });
        return [value.done, value.pending_permissions.length, asked];
    };
    const far = await connectV1(world.hub.mcpUrl, world.hub.credentials.api_key, onForm);
    assert.deepEqual(await turn(far), [false, 1, 0]);
    await far.call("abort_session", { session_id: session });
    assert.deepEqual(await turn(await connectV1(machine.localUrl, "", onForm)), [true, 0, 1]);
});

// Every form of an answer to a permission request, by its effect on the real claude: through the hub and through the
// local endpoint. What the machine's policy does not open to the hub is refused with the rule and the file.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { McpClient, script, startWorld } from "../support/harness.mjs";
import { bash, ended } from "../support/turns.mjs";

test("answers to permission requests", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const hub = world.client();
    const setPolicy = async (more) => {
        await machine.child.end();
        writeFileSync(join(machine.codezHome, "config/agent.toml"), `roots = [${JSON.stringify(machine.root)}]\n${more}\n`);
        await machine.start();
        await world.online(machine);
    };
    const local = () => new McpClient(machine.localUrl);

    // Each part ends its sessions: a machine runs only so many.
    const part = (name, body) => world.test(name, () => body().finally(() => world.disposeAll(machine)));

    /** A session whose turn waits for its first permission request. */
    const asking = async (via, name, ...steps) => {
        const { session, cwd } = await world.createSession(name);
        const waiting = await via.call("send_and_wait", { session_id: session, text: script(...steps) });
        assert.equal(waiting.done, false);
        const reader = world.reader({ session, cursor: waiting.cursor }, via);
        return { session, cwd, request: waiting.pending_permissions[0], reader };
    };
    const answer = (via, asked, more) => via.call("respond_permission", { session_id: asked.session, request_id: asked.request.requestId, ...more });
    const toTheEnd = async (asked) => {
        const end = await asked.reader.until((e) => e.type === "session.idle", "the end of the turn");
        const resolved = asked.reader.events.find((e) => e.type === "channel.permission_resolved" && e.requestId === asked.request.requestId);
        return { end, resolved };
    };
    const transcriptOf = (session) => {
        const projects = join(machine.home, ".claude/projects");
        const file = readdirSync(projects, { recursive: true }).find((name) => name.endsWith(`${session}.jsonl`));
        return readFileSync(join(projects, file), "utf8");
    };
    const toolResults = (session) => world.api.log.filter((r) => r.session === session).flatMap((r) => r.toolResults);

    for (const [name, via, who] of [
        ["hub", hub, { answeredBy: "ada", answeredByKind: "client" }],
        ["local", local(), { answeredBy: "a program on this machine", answeredByKind: "local" }],
    ]) {
        await part(`${name}: allow runs what was asked; who allowed it is told`, async () => {
            const asked = await asking(via, `${name}-allow`, bash("touch allowed.txt"), "Done.");
            assert.equal(asked.request.input.command, "touch allowed.txt");
            assert.ok(asked.request.blockedPath.endsWith("allowed.txt"));
            assert.ok(asked.request.suggestions.length > 0);
            assert.deepEqual(await answer(via, asked, { behavior: "allow" }), { ok: true });
            const { end, resolved } = await toTheEnd(asked);
            assert.ok(!end.result.isError);
            assert.ok(existsSync(join(asked.cwd, "allowed.txt")));
            assert.equal(resolved.behavior, "allow");
            assert.deepEqual({ answeredBy: resolved.answeredBy, answeredByKind: resolved.answeredByKind }, who);
        });

        await part(`${name}: a changed input is what runs`, async () => {
            const asked = await asking(via, `${name}-changed`, bash("touch first.txt"), "Done.");
            await answer(via, asked, { behavior: "allow", updated_input: { command: "touch second.txt" } });
            const { resolved } = await toTheEnd(asked);
            assert.deepEqual([existsSync(join(asked.cwd, "first.txt")), existsSync(join(asked.cwd, "second.txt"))], [false, true]);
            assert.equal(resolved.inputChanged, true);
        });

        await part(`${name}: a denial reaches claude with its text, and the turn goes on`, async () => {
            const asked = await asking(via, `${name}-denied`, bash("touch denied.txt"), "As you like.");
            await answer(via, asked, { behavior: "deny", message: "Not on a Sunday." });
            const { end, resolved } = await toTheEnd(asked);
            assert.equal(end.result.text, "As you like.");
            assert.ok(!existsSync(join(asked.cwd, "denied.txt")));
            assert.ok(toolResults(asked.session).some((r) => r.is_error && r.content.includes("Not on a Sunday.")));
            assert.equal(resolved.message, "Not on a Sunday.");
        });

        await part(`${name}: a denial can end the turn`, async () => {
            const asked = await asking(via, `${name}-stopped`, bash("touch stopped.txt"), "Never said.");
            await answer(via, asked, { behavior: "deny", interrupt: true });
            const { end, resolved } = await toTheEnd(asked);
            assert.equal(end.result.isError, true);
            assert.equal(end.result.reason, "aborted_tools");
            assert.equal(resolved.interrupt, true);
            assert.ok(!existsSync(join(asked.cwd, "stopped.txt")));
            const after = await via.call("send_and_wait", { session_id: asked.session, text: script("Still here.") });
            assert.equal(after.text, "Still here.");
        });

        await part(`${name}: the first answer wins; the second is told whose and which it was`, async () => {
            const asked = await asking(via, `${name}-twice`, bash("touch once.txt"), "Done.");
            await answer(via, asked, { behavior: "allow" });
            await assert.rejects(answer(hub, asked, { behavior: "deny" }), (e) => e.code === "invalid_argument" && e.message.includes(`allowed by ${who.answeredBy}`));
            await toTheEnd(asked);
        });

        await part(`${name}: what does not fit together is refused`, async () => {
            const asked = await asking(via, `${name}-refused`, bash("touch never.txt"), "Done.");
            for (const bad of [
                { behavior: "allow", message: "x" },
                { behavior: "allow", interrupt: true },
                { behavior: "deny", updated_input: { command: "ls" } },
                { behavior: "deny", updated_permissions: [] },
                { behavior: "allow", updated_input: "ls" },
            ])
                await assert.rejects(answer(via, asked, bad), (e) => e.code === "invalid_argument", JSON.stringify(bad));
            await answer(via, asked, { behavior: "deny" });
            await toTheEnd(asked);
        });
    }

    const ask = { tool: { name: "AskUserQuestion", input: { questions: [
        { question: "Which colour?", header: "Colour", multiSelect: false, options: [{ label: "Red", description: "r" }, { label: "Blue", description: "b" }] },
        { question: "Which sizes?", header: "Size", multiSelect: true, options: [{ label: "Small", description: "s" }, { label: "Large", description: "l" }] },
    ] } } };
    for (const [name, via] of [["hub", hub], ["local", local()]]) {
        await part(`${name}: questions are shown as questions, and their answers reach claude`, async () => {
            const asked = await asking(via, `${name}-questions`, ask, "Thanks.");
            assert.equal(asked.request.kind, "question");
            assert.deepEqual(asked.request.questions, ask.tool.input.questions);
            const shown = await via.call("get_session", { session_id: asked.session });
            assert.deepEqual(shown.pending_permissions, [asked.request]);
            await assert.rejects(answer(via, asked, { behavior: "allow" }), (e) => e.code === "invalid_argument" && e.message.includes("answers"));
            await assert.rejects(answer(via, asked, { behavior: "allow", answers: { "Which colour?": "Red" } }), (e) => e.message.includes("Which sizes?"));
            await answer(via, asked, { behavior: "allow", answers: { "Which colour?": "Green, if you have it", "Which sizes?": ["Small", "Large"] } });
            const { resolved } = await toTheEnd(asked);
            assert.deepEqual(resolved.answers, { "Which colour?": "Green, if you have it", "Which sizes?": "Small, Large" });
            const [result] = toolResults(asked.session);
            assert.ok(result.content.includes("Green, if you have it") && result.content.includes("Small, Large"), result.content);
        });

        await part(`${name}: a plan is sent back with a reason, then approved with the mode to go on in`, async () => {
            const { session, cwd } = await world.createSession(`${name}-plan`, { permission_mode: "plan" });
            await via.call("send_and_wait", { session_id: session, text: script("I see.") });
            // claude tells only the model where its plan belongs
            const plan = `${transcriptOf(session).match(/[^\s"\\]+\/plans\/[^\s"\\]+\.md/)[0]}`;
            const exit = { tool: { name: "ExitPlanMode", input: {} } };
            const steps = [{ tool: { name: "Write", input: { file_path: plan, content: "# Make a file\n" } } }, exit, exit, { tool: { name: "Write", input: { file_path: join(cwd, "made.txt"), content: "made\n" } } }, "Made."];
            const pending = async (options) => (await via.call("send_and_wait", { session_id: session, ...options })).pending_permissions[0];
            const first = await pending({ text: script(...steps) });
            assert.equal(first.kind, "plan");
            assert.equal(first.plan, "# Make a file\n");
            assert.equal(first.planFile, plan);
            await answer(via, { session, request: first }, { behavior: "deny", message: "Say which file." });
            const reader = world.reader({ session }, via);
            const again = await reader.until((e) => e.type === "channel.permission_request" && e.request.requestId !== first.requestId, "the plan again");
            assert.equal(again.request.kind, "plan");
            assert.ok(toolResults(session).some((r) => r.content.includes("Say which file.")));
            await assert.rejects(answer(via, { session, request: again.request }, { behavior: "allow", permission_mode: "auto" }), (e) => e.code === "policy_denied" && e.message.includes("max_permission_mode"));
            await answer(via, { session, request: again.request }, { behavior: "allow", permission_mode: "acceptEdits" });
            await reader.until((e) => e.type === "session.idle" && e.result.text === "Made.", "the end of the turn");
            assert.ok(existsSync(join(cwd, "made.txt")), "written without another question");
            assert.equal((await via.call("get_session", { session_id: session, limit: 0 })).session.permissionMode, "acceptEdits");
        });
    }

    const two = [bash("perl -e 1"), bash("perl -e 1"), "Twice."];
    const askedTwice = (asked) => asked.reader.events.filter((e) => e.type === "channel.permission_request").length;

    await part("on the machine, a suggestion becomes claude's own rule", async () => {
        const asked = await asking(local(), "rule-local", ...two);
        const rule = asked.request.suggestions.find((s) => s.type === "addRules");
        const made_up = { ...rule, rules: [{ toolName: "Bash", ruleContent: "*" }] };
        await assert.rejects(answer(local(), asked, { behavior: "allow", updated_permissions: [made_up] }), (e) => e.code === "invalid_argument" && e.message.includes("suggestions"));
        await answer(local(), asked, { behavior: "allow", updated_permissions: asked.request.suggestions });
        const { resolved } = await toTheEnd(asked);
        assert.equal(askedTwice(asked), 1, "the second one is not asked any more");
        assert.ok(resolved.updatedPermissions.length >= 1);
        const settings = JSON.parse(readFileSync(join(asked.cwd, ".claude/settings.local.json"), "utf8"));
        assert.ok(settings.permissions.allow.length > 0);
    });

    await part("through the hub only where the policy opens the place", async () => {
        const asked = await asking(hub, "rule-hub", ...two);
        const { suggestions } = asked.request;
        const refused = (e) => e.code === "policy_denied" && e.message.includes("rule `remote_permission_updates`") && e.message.includes("agent.toml");
        await assert.rejects(answer(hub, asked, { behavior: "allow", updated_permissions: suggestions }), refused);
        await setPolicy('remote_permission_updates = ["session"]');
        await assert.rejects(answer(hub, asked, { behavior: "allow", updated_permissions: suggestions }), refused, "localSettings is not open");
        await answer(hub, asked, { behavior: "allow", updated_permissions: suggestions.map((s) => ({ ...s, destination: "session" })) });
        await toTheEnd(asked);
        assert.equal(askedTwice(asked), 1);
        assert.ok(!existsSync(join(asked.cwd, ".claude/settings.local.json")), "nothing was kept beyond the session");
    });

    await part("a mode above the machine's highest is not set by an answer either", async () => {
        await setPolicy('remote_permission_updates = ["session"]\nmax_permission_mode = "default"');
        const asked = await asking(hub, "mode", bash("touch mode.txt"), "Done.");
        const mode = asked.request.suggestions.filter((s) => s.type === "setMode");
        assert.equal(mode.length, 1);
        for (const via of [hub, local()])
            await assert.rejects(answer(via, asked, { behavior: "allow", updated_permissions: mode }), (e) => e.code === "policy_denied" && e.message.includes("max_permission_mode"));
        await answer(hub, asked, { behavior: "deny" });
        await asked.reader.until(ended, "the end of the turn");
    });
});

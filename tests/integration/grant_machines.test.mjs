// A person lets an application onto one of two machines: the other does not exist for it.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";

import { Browser } from "../support/browser.mjs";
import { McpClient, startWorld } from "../support/harness.mjs";

const password = "correct horse battery";
const callback = "http://127.0.0.1:1/callback";

test("a grant for one machine", async (t) => {
    const world = await startWorld(t, { machines: 2 });
    const { hub } = world;
    const ada = new Browser(hub.url);
    await ada.submit(await ada.go(hub.credentials.sign_in_link), { email: "ada@example.org", new_password: password, repeated_password: password });
    const { machines } = await world.client().call("list_machines", {});
    const [first, second] = machines;

    // What an application gets when the person ticks this on the page.
    const allow = async (choice) => {
        const verifier = randomBytes(32).toString("base64url");
        const asked = { response_type: "code", client_id: "codez-mcp", redirect_uri: callback, code_challenge: createHash("sha256").update(verifier).digest("base64url"), code_challenge_method: "S256" };
        const page = await ada.go(`/authorize?${new URLSearchParams(asked)}`);
        const rest = Object.entries(page.forms[0].fields).filter(([name]) => !name.startsWith("machine:"));
        const answer = await ada.request("/consent", { form: { ...Object.fromEntries(rest), decision: "allow", ...choice(page) } });
        if (answer.status !== 303) return answer;
        const code = new URL(answer.headers.get("location")).searchParams.get("code");
        const form = { grant_type: "authorization_code", client_id: "codez-mcp", code, redirect_uri: callback, code_verifier: verifier };
        const tokens = await fetch(`${hub.url}/token`, { method: "POST", body: new URLSearchParams(form) });
        return (await tokens.json()).access_token;
    };

    await world.test("reaches that one only", async () => {
        const token = await allow((page) => {
            for (const one of machines) assert.ok(page.text.includes(`name="machine:${one.machineId}" value="on"> ${one.name}<`), page.text);
            return { machines: "chosen", [`machine:${first.machineId}`]: "on" };
        });
        const client = new McpClient(hub.mcpUrl, token);
        assert.deepEqual((await client.call("list_machines", {})).machines.map((one) => one.machineId), [first.machineId]);
        for (const [tool, args] of [
            ["get_machine", { machine: second.machineId }],
            ["create_session", { machine: second.name, cwd: world.machines[1].project("a") }],
            ["list_sessions", { machine: second.machineId }],
            ["poll_events", { machine: second.machineId, timeout_ms: 0 }],
        ]) {
            const error = await client.call(tool, args).then(() => assert.fail(`${tool} reached it`), (problem) => problem);
            assert.equal(error.code, "not_found", `${tool}: ${error.message}`);
        }
        assert.equal((await client.call("get_machine", {})).machine.machineId, first.machineId, "the only one there is");
        assert.deepEqual((await client.call("get_health", {})).machines.map((one) => one.machine), [first.machineId]);
        assert.match((await ada.go("/connections")).text, /home, 1 machine</);
    });

    await world.test("is not made of nothing, nor of a stranger's machine", async () => {
        for (const choice of [{ machines: "chosen" }, { machines: "chosen", [`machine:m_${"a".repeat(24)}`]: "on" }]) {
            const page = await allow(() => choice);
            assert.equal(page.status, 400);
            assert.match(page.text, /Choose among the machines/);
        }
    });

    await world.test("the last word counts", async () => {
        const token = await allow(() => ({ machines: "all" }));
        assert.equal((await new McpClient(hub.mcpUrl, token).call("list_machines", {})).machines.length, 2);
    });
});

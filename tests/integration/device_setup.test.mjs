// `codez setup` without a join token: the machine shows a code, a person types it in a browser and decides.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { Browser } from "../support/browser.mjs";
import { Machine, codezProgram, startWorld, until } from "../support/harness.mjs";
import { Child } from "../support/processes.mjs";

const password = "correct horse battery";

test("a person lets a machine in", async (t) => {
    // The test's proxy is trusted, so that each browser has an address of its own.
    const world = await startWorld(t, { machines: 0, hub: () => ({ serveArgs: ["--trusted-proxy", "127.0.0.0/8"] }) });
    const { hub } = world;
    const ada = new Browser(hub.url, { address: "192.0.2.1" });
    await ada.submit(await ada.go(hub.credentials.sign_in_link), { email: "ada@example.org", new_password: password, repeated_password: password });

    // Starts `codez setup`, as far as its code.
    const begin = async (name) => {
        const machine = new Machine(world, name);
        const argv = [codezProgram, "setup", "--hub", hub.url, "--name", name, "--root", machine.root];
        const setup = new Child(`codez setup of ${name}`, argv, { env: machine.env(), cwd: machine.dir, log: join(machine.dir, "setup.log") });
        const shown = await until(() => /([A-Z]{4}-[A-Z]{4})[\s\S]*same key as here: ([a-z2-7 ]+)\n/.exec(setup.output()), "the code");
        return { machine, setup, code: shown[1], fingerprint: shown[2] };
    };
    const press = (page, decision) => ada.go("/device", { form: { ...page.forms[0].fields, decision } });
    const device = (form, headers = {}) => fetch(`${hub.url}/device_authorization`, { method: "POST", body: new URLSearchParams(form), headers });
    const asked = { client_id: "codez-setup", scope: "agent:enroll", machine_name: "x", machine_os: "Linux", machine_id: `m_${"a".repeat(24)}` };

    await world.test("who allows it gets it, under the name and key that the page showed", async () => {
        const { machine, setup, code, fingerprint } = await begin("laptop");
        const form = await ada.go("/device");
        assert.deepEqual([form.forms[0].method, form.forms[0].action, Object.keys(form.forms[0].fields)], ["get", "/device", ["user_code"]]);
        const page = await ada.go(`/device?user_code=${code.toLowerCase()}`);
        for (const text of ["<strong>laptop</strong>", fingerprint, "Continue only if you have just started"]) assert.ok(page.text.includes(text), page.text);
        const done = await press(page, "allow");
        assert.match(done.text, /laptop goes on by itself/);
        assert.deepEqual(await setup.ended, [0, null], setup.output());
        await machine.start();
        const { machines } = await world.client().call("list_machines", {});
        assert.deepEqual(machines.map((one) => one.name), ["laptop"]);
        await machine.child.end();
        assert.match((await ada.go(`/device?user_code=${code}`)).text, /no such code/);
    });

    await world.test("who refuses it does not", async () => {
        const { setup, code } = await begin("other");
        const page = await ada.go(`/device?user_code=${code}`);
        await press(page, "refuse");
        assert.deepEqual(await setup.ended, [1, null]);
        assert.match(setup.output(), /codez setup: The person refused this machine\./);
    });

    await world.test("nobody decides by a link, from a foreign page or without a role", async () => {
        const { device_code, user_code, verification_uri_complete } = await (await device(asked)).json();
        const stranger = new Browser(hub.url, { address: "192.0.2.2" });
        const sign_in = await stranger.go(new URL(verification_uri_complete).pathname + new URL(verification_uri_complete).search);
        assert.ok(sign_in.forms.some((form) => form.action === "/sign-in"));
        const page = await ada.go(`/device?user_code=${user_code}`);
        const fields = { ...page.forms[0].fields, decision: "allow" };
        assert.equal((await ada.request("/device", { form: fields, headers: { Origin: "https://evil.example" } })).status, 403);
        assert.equal((await ada.request("/device", { form: { ...fields, form_token: "x" } })).status, 403);

        const { link } = await hub.admin("invite", "--workspace", "home", "--email", "bob@example.org", "--role", "member");
        const bob = new Browser(hub.url, { address: "192.0.2.3" });
        await bob.submit(await bob.go(link), { name: "Bob", new_password: password, repeated_password: password });
        assert.equal((await bob.go(`/device?user_code=${user_code}`)).status, 403);
        const poll = await fetch(`${hub.url}/token`, { method: "POST", body: new URLSearchParams({ grant_type: "urn:ietf:params:oauth:grant-type:device_code", client_id: "codez-setup", device_code }) });
        assert.deepEqual([poll.status, (await poll.json()).error], [400, "authorization_pending"]);
    });

    await world.test("a device code gives nothing but a machine, and only to codez setup", async () => {
        for (const [wrong, error] of [
            [{ scope: "mcp:tools" }, "invalid_scope"],
            [{ client_id: "codez-mcp" }, "unauthorized_client"],
            [{ machine_id: "m_x" }, "invalid_request"],
            [{ machine_name: "\u202eevil" }, "invalid_request"],
        ]) {
            const answer = await device({ ...asked, ...wrong });
            assert.deepEqual([answer.status, (await answer.json()).error], [400, error]);
        }
    });

    await world.test("codes cannot be guessed", async () => {
        const tried = [];
        for (let i = 0; i < 8; ++i) tried.push((await ada.request("/device?user_code=BBBB-BBBB")).status);
        assert.ok(tried.includes(429), String(tried));
    });
});

// A person of two workspaces lets an application into both: it may in each what the person may there.

import assert from "node:assert/strict";
import { test } from "node:test";

import { McpClient, startWorld, until } from "../support/harness.mjs";
import { OAuthClient } from "../support/oauth-client.mjs";
import { Person } from "../support/person.mjs";

test("a grant for all workspaces", async (t) => {
    const world = await startWorld(t);
    const { hub } = world;
    const ada = await Person.owner(hub);
    const other = await hub.admin("workspace", "--name", "other", "--owner", "Eve", "--email", "eve@example.org");
    const theirs = await world.addMachine("theirs", other);
    const invitation = await hub.admin("invite", "--workspace", "other", "--email", ada.email, "--role", "viewer");
    await ada.browser.submit(await ada.browser.go(invitation.link), {}, { action: "/welcome" });

    const app = await OAuthClient.registered(hub.url);
    const parameters = { prompt: "consent" };
    const clientFor = async (workspace) => new McpClient(hub.mcpUrl, (await app.tokens(ada, { parameters, workspace })).access_token);
    const namesFor = async (client) => (await client.call("list_machines", {})).machines.map((one) => one.name);
    const everywhere = await clientFor("*");

    await world.test("reaches the machines of both, in each by the person's role there", async () => {
        const { machines } = await everywhere.call("list_machines", {});
        assert.deepEqual(machines.map((one) => one.name), ["m1", "theirs"]);
        assert.notEqual(machines[0].workspaceId, machines[1].workspaceId);
        assert.equal((await everywhere.call("get_health", {})).machines.length, 2);
        const { session } = await world.createSession("a", { machine: "m1" }, { client: everywhere });
        assert.equal((await everywhere.call("get_session", { session_id: session })).session.id, session);
        assert.deepEqual((await everywhere.call("list_sessions", {})).sessions.map((one) => one.id), [session]);
        assert.equal((await everywhere.call("list_sessions", { machine: "theirs" })).sessions.length, 0, "a viewer may look");
        const refused = await everywhere.call("create_session", { machine: "theirs", cwd: theirs.project("a") }).catch((problem) => problem);
        assert.equal(refused.code, "permission_denied", "and do nothing else");
        assert.match(refused.message, /sessions:write/);
        const upload = (machine) => fetch(`${hub.url}/api/v1/uploads?machine=${machine}&name=a.txt`, { method: "PUT", headers: everywhere.headers, body: "text" });
        assert.deepEqual([(await upload("m1")).status, (await upload("theirs")).status], [201, 403]);
    });

    await world.test("stands beside a grant for one of them", async () => {
        const [home] = (await everywhere.call("list_machines", {})).machines;
        const one = await clientFor(home.workspaceId);
        assert.deepEqual(await namesFor(one), ["m1"]);
        assert.deepEqual(await namesFor(everywhere), ["m1", "theirs"]);
        const page = await ada.browser.go("/connections");
        assert.match(page.text, /all that you are a member of/);
        assert.match(page.text, /<dd>home, /);
    });

    await world.test("is known to the admins of each", async () => {
        for (const workspace of ["home", "other"]) {
            const { entries } = await hub.admin("audit", "--workspace", workspace);
            assert.ok(entries.some((entry) => entry.action === "grant.allowed"), workspace);
        }
        const { entries } = await hub.admin("audit", "--workspace", "other");
        assert.ok(entries.some((entry) => entry.action === "call.create_session" && entry.result === "permission_denied"));
    });

    await world.test("ends everywhere when the person withdraws it", async () => {
        const page = await ada.browser.go("/connections");
        const grants = page.forms.filter((form) => form.action === "/connections");
        const at = page.text.split("<h2>").slice(1).findIndex((part) => part.includes("all that you are a member of"));
        const done = await ada.browser.request("/connections", { form: grants[at].fields });
        assert.match(done.text, /no access any more/);
        await until(() => namesFor(everywhere).then(() => false, (problem) => /401/.test(problem.message)), "the token to be refused");
    });
});

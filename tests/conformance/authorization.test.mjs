// The authorization-server scenarios of the conformance suite against the hub as it is shipped. A person answers in the
// browser when the suite prints its URL.

import assert from "node:assert/strict";
import { test } from "node:test";

import { publishClientDocument } from "../support/client-document.mjs";
import { startWorld } from "../support/harness.mjs";
import { OAuthClient, manyRegistrations } from "../support/oauth-client.mjs";
import { Person } from "../support/person.mjs";
import { freePort } from "../support/ports.mjs";
import { runAuthorizationSuite } from "./suite.mjs";

const expected = ["authorization-server-metadata", "authorization-server-metadata-cimd", "authorization-code-grant"];

test("the conformance suite against the hub's authorization server", async (t) => {
    let document;
    const world = await startWorld(t, {
        machines: 0,
        hub: async (starting) => {
            document = await publishClientDocument(starting.dir);
            starting.closers.push(document.close);
            return { serveArgs: [...document.serveArgs, ...manyRegistrations] };
        },
    });
    const { hub } = world;
    const person = await Person.owner(hub);
    const visit = async (url) => assert.equal((await fetch(await person.answer(url))).status, 200);
    const registered = async () => (await OAuthClient.registered(hub.url, { redirectUri: "http://127.0.0.1/callback" })).id;

    for (const [name, idOf] of Object.entries({ registered, "pre-registered": () => "codez-mcp", document: () => document.url }))
        for (const resource of [["--resource", hub.mcpUrl], []])
            await world.test(`a ${name} client, ${resource.length > 0 ? "with" : "without"} a resource`, async () => {
                const args = ["--client-id", await idOf(), ...resource, "-p", String(await freePort())];
                await runAuthorizationSuite(hub.url, world.dir, `authorization ${name} ${resource.length}`, args, visit, expected);
            });
});

// The main job by the official TypeScript SDK (v2) in each mode of its version negotiation, and what was really spoken.

import assert from "node:assert/strict";
import { test } from "node:test";

import { startWorld } from "../support/harness.mjs";
import { mainJob } from "./main_job.mjs";
import { connectV2, eras } from "./sdks.mjs";
import { revisionsOf, startWire } from "./wire.mjs";

test("the main job by the TypeScript SDK v2", async (t) => {
    const world = await startWorld(t);
    for (const { name, mode, revision } of eras)
        await world.test(`${name}: ${revision}`, async (t) => {
            const wire = await startWire(t, world);
            const client = await connectV2(wire.url, world.hub.credentials.api_key, mode);
            t.after(() => client.close());
            const { tools } = await client.listTools();
            assert.ok(tools.some((tool) => tool.name === "create_session"), JSON.stringify(tools));
            await mainJob(client.call, world.machines[0], name);

            assert.equal(client.getNegotiatedProtocolVersion(), revision);
            assert.deepEqual(revisionsOf(wire.requests), [revision]);
            const methods = wire.requests.map((r) => r.message);
            const calls = wire.requests.filter((r) => r.message === "tools/call");
            if (revision === "2026-07-28") {
                assert.ok(methods.includes("server/discover") && !methods.includes("initialize"), methods.join());
                for (const { header } of calls) assert.deepEqual(header, { version: revision, method: "tools/call", session: undefined });
                assert.ok(wire.requests.every((r) => r.verb === "POST"));
            } else {
                assert.ok(methods.includes("initialize") && !methods.includes("server/discover"), methods.join());
                for (const { claimed, header } of calls) assert.deepEqual([claimed, header.version, header.method], [undefined, revision, undefined]);
                assert.ok(calls[0].header.session, "the hub gave a session");
            }
        });
});

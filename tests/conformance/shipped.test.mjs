// The scenarios of the conformance suite that need no tool of its own, against the programs as they are shipped.

import { test } from "node:test";

import { startWorld } from "../support/harness.mjs";
import { startProxy } from "../support/proxy.mjs";
import { runSuite } from "./suite.mjs";

const scenarios = {
    "2025-06-18": ["server-initialize", "ping", "tools-list"],
    "2025-11-25": ["server-initialize", "ping", "tools-list", "server-sse-multiple-streams", "server-session-lifecycle"],
    "2026-07-28": ["tools-list", "server-sse-multiple-streams", "http-header-validation", "input-required-result-unsupported-methods"],
};

test("the conformance suite against codez-hub and codez agent", async (t) => {
    const world = await startWorld(t);
    const proxy = await startProxy(world.hub.port, { credential: world.hub.credentials.api_key });
    t.after(() => proxy.close());
    // Web pages may call the hub, but not the agent.
    const places = [["hub", proxy.url, ["dns-rebinding-protection"]], ["agent", world.machines[0].localUrl, []]];
    for (const [name, url, more] of places)
        for (const [revision, own] of Object.entries(scenarios))
            for (const scenario of [...own, ...(revision === "2025-06-18" ? [] : more)])
                await world.test(`${name}: ${scenario} of ${revision}`, () => runSuite(url, world.dir, `${name} ${revision} ${scenario}`, ["--scenario", scenario, "--spec-version", revision]));
});

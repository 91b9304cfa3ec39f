// The scenarios of the conformance suite that need no tool of its own, against the programs as they are shipped.

import { test } from "node:test";

import { startWorld, watched } from "../support/harness.mjs";
import { startProxy } from "../support/proxy.mjs";
import { runSuite } from "./suite.mjs";

const scenarios = {
    "2025-06-18": ["server-initialize", "ping", "tools-list", "server-session-lifecycle"],
    "2025-11-25": ["server-initialize", "ping", "tools-list", "server-sse-multiple-streams", "server-session-lifecycle"],
    "2026-07-28": [
        "server-stateless",
        "tools-list",
        "server-sse-multiple-streams",
        "http-header-validation",
        "sep-2164-resource-not-found",
        "input-required-result-unsupported-methods",
        "input-required-result-ignore-extra-params",
    ],
};

test("the conformance suite against codez-hub and codez agent", async (t) => {
    const world = await startWorld(t);
    const proxy = await startProxy(world.hub.port, { credential: world.hub.credentials.api_key, watch: watched });
    const local = await startProxy(world.machines[0].localPort, { asServer: true, watch: watched });
    for (const one of [proxy, local]) t.after(() => one.close());
    // Web pages of this machine may call the hub, but not the agent.
    const places = [["hub", proxy.url, ["dns-rebinding-protection"]], ["agent", local.url, []]];
    for (const [name, url, more] of places)
        for (const [revision, own] of Object.entries(scenarios))
            for (const scenario of [...own, ...(revision === "2025-06-18" ? [] : more)])
                await world.test(`${name}: ${scenario} of ${revision}`, () => runSuite(url, world.dir, `${name} ${revision} ${scenario}`, ["--scenario", scenario, "--spec-version", revision], { fixture: false }));
});

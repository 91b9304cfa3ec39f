// The official conformance suite against the hub's core and the agent's local endpoint, both with the fixture back end:
// nothing may fail, scored or not, and there is no list of expected failures.

import { test } from "node:test";

import { startAgentFixture, startHubFixture } from "./fixtures.mjs";
import { runSuite } from "./suite.mjs";

// What the suite runs without scoring it: by default, or because its own reference server does not pass.
const pending = {
    "2025-11-25": ["server-session-lifecycle", "json-schema-2020-12", "server-sse-polling"],
    "2026-07-28": [
        "http-header-validation",
        "http-custom-header-server-validation",
        "json-schema-2020-12",
        "tasks-lifecycle",
        "tasks-capability-negotiation",
        "tasks-wire-fields",
        "tasks-request-state-removal",
        "tasks-mrtr-input",
        "tasks-request-headers",
        "tasks-dispatch-and-envelope",
        "tasks-required-task-error",
        "tasks-mrtr-composition",
    ],
};

for (const [name, start] of [["hub", startHubFixture], ["agent", startAgentFixture]]) {
    test(`the conformance suite against the ${name}`, async (t) => {
        const { url, dir } = await start(t);
        for (const revision of ["2025-11-25", "2026-07-28"])
            await t.test(`what ${revision} requires`, () => runSuite(url, dir, `${name} ${revision}`, ["--requirements", revision]));
        await t.test("everything that is there for 2025-06-18", () => runSuite(url, dir, `${name} 2025-06-18`, ["--suite", "all", "--spec-version", "2025-06-18"]));
        for (const [revision, scenarios] of Object.entries(pending))
            for (const scenario of scenarios)
                await t.test(`${scenario} of ${revision}`, () => runSuite(url, dir, `${name} ${revision} ${scenario}`, ["--scenario", scenario, "--spec-version", revision, "--force"]));
    });
}

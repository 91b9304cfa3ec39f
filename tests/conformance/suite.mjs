// Runs the official conformance suite against an endpoint and reads what it found.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";

import { run } from "../support/processes.mjs";

const suite = resolve(import.meta.dirname, "../interop/node_modules/@modelcontextprotocol/conformance/dist/index.js");

/** All checks that a run has written: [{scenario, id, status, …}]. */
function checksIn(directory) {
    return readdirSync(directory, { recursive: true })
        .filter((file) => file.endsWith("checks.json"))
        .flatMap((file) => JSON.parse(readFileSync(join(directory, file), "utf8")).map((check) => ({ scenario: file.split("/")[0], ...check })));
}

/**
 * Runs `server --url URL ARGS…`; its checks by status. Fails if a check failed, scored or not, or if there were none.
 * `name` tells the runs in one directory apart. `fixture: false`: the server does not have the suite's own tools, so
 * what the suite itself calls not testable without them does not count.
 */
export async function runSuite(url, directory, name, args, { fixture = true } = {}) {
    const out = join(directory, name);
    const home = join(directory, "suite-home");
    for (const dir of [out, home]) mkdirSync(dir, { recursive: true });
    assert.ok(existsSync(suite), `${suite} is not there: run tools/test, which installs it`);
    const { code, stdout, stderr } = await run([process.execPath, suite, "server", "--url", url, ...args, "-o", out], {
        env: { PATH: "/usr/bin:/bin", HOME: home, LANG: "C.UTF-8", NO_COLOR: "1" },
        cwd: directory,
        ms: 240_000,
    });
    const checks = checksIn(out);
    const of = (status) => checks.filter((check) => check.status === status);
    const summary = stdout.slice(Math.max(0, stdout.lastIndexOf("=== ")));
    console.log(`${name}: ${of("SUCCESS").length} checks passed, ${of("FAILURE").length} failed, ${of("WARNING").length} warned, ${of("SKIPPED").length} skipped\n${summary}`);
    const counts = (check) => fixture || !/^Not testable: server does not list the diagnostic tool/.test(check.errorMessage);
    const failed = of("FAILURE").filter(counts).map((check) => `${check.scenario}: ${check.id}: ${check.errorMessage}`);
    assert.deepEqual(failed, []);
    assert.ok(of("SUCCESS").length > 0, `nothing was checked: ${stdout}${stderr}`);
    if (fixture) assert.equal(code, 0, stdout + stderr);
    return { checks, stdout };
}

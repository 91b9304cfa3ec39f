// Runs the official conformance suite against an endpoint and reads what it found.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";

import { Child, run } from "../support/processes.mjs";
import { Fatal, until, within } from "../support/wait.mjs";

const suite = resolve(import.meta.dirname, "../interop/node_modules/@modelcontextprotocol/conformance/dist/index.js");

/** All checks that a run has written: [{scenario, id, status, …}]. */
function checksIn(directory) {
    return readdirSync(directory, { recursive: true })
        .filter((file) => file.endsWith("checks.json"))
        .flatMap((file) => JSON.parse(readFileSync(join(directory, file), "utf8")).map((check) => ({ scenario: file.split("/")[0], ...check })));
}

/** Where a run writes, and how the suite is started. */
function prepare(directory, name) {
    const out = join(directory, name);
    const home = join(directory, "suite-home");
    for (const dir of [out, home]) mkdirSync(dir, { recursive: true });
    assert.ok(existsSync(suite), `${suite} is not there: run tools/test, which installs it`);
    return { out, env: { PATH: "/usr/bin:/bin", HOME: home, LANG: "C.UTF-8", NO_COLOR: "1" } };
}

/** The checks of a run by their status, also shown. */
function report(name, out, stdout) {
    const checks = checksIn(out);
    const of = (status) => checks.filter((check) => check.status === status);
    const summary = stdout.slice(Math.max(0, stdout.lastIndexOf("=== ")));
    console.log(`${name}: ${of("SUCCESS").length} checks passed, ${of("FAILURE").length} failed, ${of("WARNING").length} warned, ${of("SKIPPED").length} skipped\n${summary}`);
    return { checks, of };
}

/**
 * Runs `server --url URL ARGS…`; its checks by status. Fails if a check failed, scored or not, or if there were none.
 * `name` tells the runs in one directory apart. `fixture: false`: the server does not have the suite's own tools, so
 * what the suite itself calls not testable without them does not count.
 */
export async function runSuite(url, directory, name, args, { fixture = true } = {}) {
    const { out, env } = prepare(directory, name);
    const { code, stdout, stderr } = await run([process.execPath, suite, "server", "--url", url, ...args, "-o", out], { env, cwd: directory, ms: 240_000 });
    const { checks, of } = report(name, out, stdout);
    const counts = (check) => fixture || !/^Not testable: server does not list the diagnostic tool/.test(check.errorMessage);
    const failed = of("FAILURE").filter(counts).map((check) => `${check.scenario}: ${check.id}: ${check.errorMessage}`);
    assert.deepEqual(failed, []);
    assert.ok(of("SUCCESS").length > 0, `nothing was checked: ${stdout}${stderr}`);
    if (fixture) assert.equal(code, 0, stdout + stderr);
    return { checks, stdout };
}

/**
 * Runs `authorization --url ISSUER ARGS…`; `visit(url)` is the person in the browser, who opens the URL that the suite
 * prints. Fails unless every check has passed, `expected` at least.
 */
export async function runAuthorizationSuite(issuer, directory, name, args, visit, expected) {
    const { out, env } = prepare(directory, name);
    const child = new Child("the conformance suite", [process.execPath, suite, "authorization", "--url", issuer, ...args, "-o", out], { env, cwd: directory, log: join(directory, `${name}.out`) });
    try {
        const url = await until(() => {
            if (!child.running) throw new Fatal(`the suite has ended: ${child.output()}`);
            return child.output().match(/^http.*\/authorize\?\S+$/m)?.[0];
        }, "the URL that the suite prints");
        await visit(url);
        const [code] = await within(child.ended, "the end of the suite");
        const { checks, of } = report(name, out, child.output());
        assert.deepEqual(checks.filter((check) => check.status !== "SUCCESS"), []);
        for (const id of expected) assert.ok(of("SUCCESS").some((check) => check.id === id), `${id} was not checked`);
        assert.equal(code, 0, child.output());
    } finally {
        await child.end("SIGKILL");
    }
}

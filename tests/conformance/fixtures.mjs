// The two fixture programs, started for a test and ended with it: {url} of an endpoint that wants no credential.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { Child } from "../support/processes.mjs";
import { startProxy } from "../support/proxy.mjs";
import { MessageWatch } from "../support/schema-check.mjs";

const build = process.env.CODEZ_BUILD ?? resolve(import.meta.dirname, "../../build/asan");
const passedOn = ["ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "ASAN_SYMBOLIZER_PATH"];

async function start(t, program, argv) {
    const path = join(build, "tests/conformance", program);
    assert.ok(existsSync(path), `${path} is not there: run tools/test, which builds it`);
    const dir = mkdtempSync(join(tmpdir(), "codez-conformance-"));
    const home = join(dir, "home");
    mkdirSync(home);
    const env = { PATH: "/usr/bin:/bin", HOME: home, LANG: "C.UTF-8" };
    for (const name of passedOn) if (process.env[name]) env[name] = process.env[name];
    const file = join(dir, "ports");
    const child = new Child(program, [path, ...argv(dir), file], { env, cwd: dir, log: join(dir, "log") });
    t.after(async () => {
        const [code] = await child.end();
        const output = child.output();
        rmSync(dir, { recursive: true, force: true });
        assert.equal(code, 0, output);
        assert.equal(output, "", "the fixture reports trouble");
    });
    return { dir, child, ports: await child.ports(file) };
}

/** A proxy to the fixture that holds what goes through against the schemas; the test fails by what it finds. */
async function startWatchedProxy(t, port, options) {
    const watch = new MessageWatch();
    const proxy = await startProxy(port, { watch, ...options });
    t.after(() => {
        proxy.close();
        assert.ok(watch.messages > 0, "messages were seen");
        assert.deepEqual(watch.problems.slice(0, 20), []);
    });
    return proxy;
}

/** The agent's local endpoint. */
export async function startAgentFixture(t) {
    const { dir, ports } = await start(t, "agent_fixture", () => []);
    const proxy = await startWatchedProxy(t, ports.port, { asServer: true });
    return { dir, url: proxy.url };
}

/** The hub's core, behind a proxy that adds an API key. */
export async function startHubFixture(t) {
    const { dir, ports } = await start(t, "hub_fixture", (directory) => [directory]);
    const proxy = await startWatchedProxy(t, ports.port, { credential: ports.api_key });
    return { dir, url: proxy.url };
}

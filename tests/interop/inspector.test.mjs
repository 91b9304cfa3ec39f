// The MCP Inspector's CLI, every step of the main job a program run of its own, in each era that it can be told to speak.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { cleanEnv, run, startWorld } from "../support/harness.mjs";
import { mainJob } from "./main_job.mjs";
import { revisionsOf, startWire } from "./wire.mjs";

const inspector = join(import.meta.dirname, "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js");

test("the main job by the MCP Inspector's CLI", async (t) => {
    const world = await startWorld(t);
    const home = join(world.dir, "inspector-home");
    mkdirSync(home);
    const env = cleanEnv(home, { MCP_CATALOG_PATH: join(home, "mcp.json") });

    for (const [era, revision] of [["legacy", "2025-11-25"], ["auto", "2026-07-28"], ["modern", "2026-07-28"]])
        await world.test(`${era}: ${revision}`, async (t) => {
            const wire = await startWire(t, world);
            const inspect = async (...args) => {
                const argv = [process.execPath, inspector, "--cli", wire.url, "--transport", "http", "--header", `Authorization: Bearer ${world.hub.credentials.api_key}`, "--protocol-era", era, "--format", "json", ...args];
                const { code, stdout, stderr } = await run(argv, { env, cwd: home });
                assert.equal(code, 0, `${args.join(" ")}: ${stdout}${stderr}`);
                return { value: JSON.parse(stdout).result, stderr };
            };

            const { value, stderr } = await inspect("--method", "tools/list", "--strict");
            assert.ok(value.tools.some((tool) => tool.name === "create_session"), JSON.stringify(value));
            assert.equal(stderr, "", "--strict found something in the tools' schemas");

            const call = async (tool, args) => (await inspect("--method", "tools/call", "--tool-name", tool, "--tool-args-json", JSON.stringify(args))).value.structuredContent;
            await mainJob(call, world.machines[0], era);
            assert.deepEqual(revisionsOf(wire.requests), [revision]);
        });
});

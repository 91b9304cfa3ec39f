// A machine without a hub, reached directly: `codez agent --listen`.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Machine, McpClient, startWorld } from "./harness.mjs";
import { freePort } from "./ports.mjs";

export class DirectMachine extends Machine {
    constructor(world, name) {
        super(world, name);
        const config = join(this.codezHome, "config");
        mkdirSync(config, { recursive: true, mode: 0o700 });
        writeFileSync(join(config, "agent.toml"), `roots = [${JSON.stringify(this.root)}]\n`);
    }

    /** What `codez key …` prints with --json. */
    async key(...args) {
        const { code, stdout, stderr } = await this.codez("key", ...args, "--json");
        assert.equal(code, 0, stderr);
        return JSON.parse(stdout);
    }

    async listen(args = [], scheme = "http") {
        const port = await freePort();
        this.url = `${scheme}://127.0.0.1:${port}`;
        this.mcpUrl = `${this.url}/mcp`;
        this.world.agentArgs = ["--listen", `127.0.0.1:${port}`, "--public-url", this.url, "--log-level", "debug", ...args];
        await this.start();
        assert.equal(JSON.parse(readFileSync(join(this.dir, "agent.ports"), "utf8")).direct_port, port);
        this.directPort = port;
    }

    client(credential, path = "/mcp") {
        return new McpClient(`${this.url}${path}`, credential);
    }

    get local() {
        return new McpClient(this.localUrl);
    }
}

/** A world of one such machine, not started yet; its sessions end with the test. */
export async function startDirectWorld(t) {
    const world = await startWorld(t, { machines: 0 });
    const machine = new DirectMachine(world, "box");
    world.machines.push(machine);
    world.disposeAll = async () => {
        const { sessions } = await machine.local.call("list_sessions", { limit: 500 });
        for (const session of sessions.filter((one) => one.status === "live")) await machine.local.call("dispose_session", { session_id: session.id });
    };
    return { world, machine };
}

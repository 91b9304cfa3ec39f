// A whole CodeZ for a test: fake API, hub and machines, each with its own home, in a directory of its own; the real
// claude. Everything ends with the test, and the test fails if a process of it is left.
//
//   const world = await startWorld(t);          hub + one machine, enrolled and online
//   const client = world.client();              McpClient on the hub with the owner's key

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { claudeVariables } from "./claude-env.mjs";
import { EventReader } from "./event-reader.mjs";
import { startFakeApi } from "./fake-api.mjs";
import { McpClient } from "./mcp-client.mjs";
import { freePort } from "./ports.mjs";
import { Child, alive, kill, processesOf, run } from "./processes.mjs";
import { startProxy } from "./proxy.mjs";
import { watchMessages } from "./schema-check.mjs";
import { Fatal, until } from "./wait.mjs";

const top = resolve(import.meta.dirname, "../..");
const build = process.env.CODEZ_BUILD ?? join(top, "build/asan");
export const hubProgram = join(build, "hub/codez-hub");
export const codezProgram = join(build, "agent/codez");
export const claudeProgram = process.env.CLAUDE_BIN && existsSync(process.env.CLAUDE_BIN) ? realpathSync(process.env.CLAUDE_BIN) : "";

export const watched = watchMessages();

const passedOn = ["ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "ASAN_SYMBOLIZER_PATH"];

export function cleanEnv(home, extra = {}) {
    const env = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: home, LANG: "C.UTF-8" };
    for (const name of passedOn) if (process.env[name]) env[name] = process.env[name];
    return { ...env, ...extra };
}

class Hub {
    // `tls`: {cert, key, ca}, files; `database`: a URL, else SQLite in the data directory; `serveArgs`: more of serve's;
    // `host`: of its URL; `publicUrl`: of a proxy that stands in front of it.
    constructor(world, { tls, database, serveArgs = [], host = "127.0.0.1", publicUrl } = {}) {
        this.host = host;
        this.publicUrl = publicUrl;
        this.serveArgs = serveArgs;
        this.world = world;
        this.tls = tls;
        this.database = database ? ["--database", database] : [];
        this.data = join(world.dir, "hub");
        this.log = join(world.dir, "hub.log");
    }

    async init() {
        this.port = await freePort();
        this.url = this.publicUrl ?? `${this.tls ? "https" : "http"}://${this.host}:${this.port}`;
        this.mcpUrl = `${this.url}/mcp`;
        this.credentials = await this.admin("init", "--workspace", "home", "--owner", "ada");
    }

    /** A command of codez-hub on the data directory; its answer. */
    async admin(command, ...args) {
        const argv = [hubProgram, command, "--data", this.data, ...this.database, ...args, "--json"];
        const { code, stdout, stderr } = await run(argv, { env: cleanEnv(this.world.home) });
        assert.equal(code, 0, `${argv.join(" ")}: ${stderr}`);
        return JSON.parse(stdout);
    }

    async start() {
        const ports = join(this.world.dir, "hub.ports");
        rmSync(ports, { force: true });
        const tls = this.tls ? ["--tls-cert", this.tls.cert, "--tls-key", this.tls.key] : [];
        const argv = [hubProgram, "serve", "--data", this.data, ...this.database, ...tls, "--listen", `127.0.0.1:${this.port}`, "--ops-listen", "127.0.0.1:0", "--public-url", this.url, "--port-file", ports, ...this.serveArgs];
        this.child = new Child("the hub", argv, { env: cleanEnv(this.world.home), cwd: this.world.dir, log: this.log });
        this.opsUrl = `http://127.0.0.1:${(await this.child.ports(ports)).ops_port}`;
    }

    kill() {
        return this.child.end("SIGKILL");
    }
}

export class Machine {
    constructor(world, name) {
        this.world = world;
        this.name = name;
        this.dir = join(world.dir, name);
        this.home = join(this.dir, "home");
        this.root = join(this.dir, "work");
        this.codezHome = join(this.dir, "codez");
        this.log = join(this.dir, "agent.log");
        this.program = codezProgram; // of the agent that start() starts
        for (const directory of [this.home, this.root, this.codezHome]) mkdirSync(directory, { recursive: true });
    }

    env(extra = {}) {
        return cleanEnv(this.home, { CODEZ_HOME: this.codezHome, CLAUDE_BIN: claudeProgram, ...claudeVariables(this.world.api.url), ...this.world.agentEnv, ...extra });
    }

    codez(...args) {
        return run([codezProgram, ...args], { env: this.env(), cwd: this.dir });
    }

    async enrol(joinToken) {
        const file = join(this.dir, "join");
        writeFileSync(file, `${joinToken}\n`, { mode: 0o600 });
        const ca = this.world.hub.tls ? ["--ca-file", this.world.hub.tls.ca] : [];
        const { code, stderr, stdout } = await this.codez("setup", "--hub", this.world.hub.url, ...ca, "--join-file", file, "--name", this.name, "--root", this.root);
        assert.equal(code, 0, `codez setup: ${stdout}${stderr}`);
        rmSync(file);
    }

    async start() {
        const file = join(this.dir, "agent.ports");
        rmSync(file, { force: true });
        const argv = [...this.smallDisk(), this.program, "agent", "--local-port", "0", "--port-file", file, ...this.world.agentArgs];
        this.child = new Child(`the agent of ${this.name}`, argv, { env: this.env(), cwd: this.dir, log: this.log });
        this.localPort = (await this.child.ports(file)).port;
    }

    // What puts the agent's state on a small disk, in a mount namespace of its own; as another user than root in a user
    // namespace too, which gives the right to mount.
    smallDisk() {
        const size = this.world.smallState;
        if (!size) return [];
        const mount = `mkdir -p "$0" && mount -t tmpfs -o size=${size},mode=700 codez-test "$0" && exec "$@"`;
        return ["unshare", ...(process.getuid() === 0 ? [] : ["--map-root-user"]), "--mount", "sh", "-c", mount, join(this.codezHome, "state")];
    }

    /** The state directory as the agent sees it. */
    stateThroughProc() {
        return join("/proc", String(this.child.pid), "root", this.codezHome, "state");
    }

    get localUrl() {
        return `http://127.0.0.1:${this.localPort}/mcp`;
    }

    kill() {
        return this.child.end("SIGKILL");
    }

    /** A new directory under the root, for a session. */
    project(name) {
        const directory = join(this.root, name);
        mkdirSync(directory, { recursive: true });
        return directory;
    }

    /** The living processes of a session: its holder and its claude. */
    processesOf(sessionId) {
        const all = processesOf(this.dir).filter((p) => p.command.includes(sessionId) || p.environ.includes(`CODEZ_SESSION_ID=${sessionId}`));
        const claude = all.find((p) => p.command.startsWith(claudeProgram));
        return { all, claude, holder: claude && processesOf(this.dir).find((p) => p.pid === claude.ppid) };
    }
}

class World {
    machines = [];
    agentEnv = {};
    closers = []; // of what a test brought along, run after hub and machines have ended

    constructor(t) {
        this.t = t;
        this.dir = mkdtempSync(join(tmpdir(), "codez-test-"));
        this.home = join(this.dir, "home");
        mkdirSync(this.home);
    }

    client(credential = this.hub.credentials.api_key, headers) {
        return new McpClient(this.hub.mcpUrl, credential, headers);
    }

    /** The hub's MCP URL for a client that is a program of its own: its messages are checked on their way. */
    async watchedUrl() {
        this.proxy ??= await startProxy(this.hub.port, { watch: watched });
        return this.proxy.url;
    }

    reader(options, client = this.client()) {
        return new EventReader(client, options);
    }

    /** Another machine, enrolled and started. `credentials`: of another workspace than the hub's first. */
    async addMachine(name, credentials) {
        const machine = new Machine(this, name);
        const another = credentials ? credentials.join_token : (await this.hub.admin("join-token")).join_token;
        const token = this.machines.length === 0 ? this.hub.credentials.join_token : another;
        this.machines.push(machine);
        await machine.enrol(token);
        await machine.start();
        await this.online(machine, true, credentials?.api_key);
        return machine;
    }

    online(machine, wanted = true, credential = undefined) {
        const client = this.client(credential);
        return until(async () => {
            if (!machine.child.running && wanted) throw new Fatal(`the agent has ended: ${machine.child.output()}`);
            const { machines } = await client.call("list_machines");
            return machines.find((m) => m.name === machine.name && m.online === wanted);
        }, `${machine.name} to be ${wanted ? "online" : "offline"}`);
    }

    /** Creates a session in a directory of its own: {session, cwd, cursor, client}. */
    async createSession(name, args = {}, { client = this.client(), machine = this.machines[0] } = {}) {
        const cwd = machine.project(name);
        const made = await client.call("create_session", { cwd, ...args });
        return { session: made.sessionId, cwd: made.cwd, cursor: made.cursor, client };
    }

    /** Ends everything; returns what was left that should not have been. */
    async close() {
        const trouble = [];
        const attempt = async (what) => {
            try {
                await what();
            } catch (error) {
                trouble.push(error.message);
            }
        };
        for (const machine of this.machines) {
            if (machine.child?.running) await this.disposeAll(machine).catch(() => {}); // what is left is found below
            await attempt(() => machine.child?.end());
        }
        this.proxy?.close();
        await attempt(() => this.hub?.child?.end());
        this.api?.close();
        for (const end of this.closers) await attempt(end);
        for (const child of [...this.machines.map((m) => m.child), this.hub?.child])
            if (child && /ERROR: (Address|Leak)Sanitizer|runtime error:|LeakSanitizer: detected/.test(child.output())) trouble.push(`${child.name}: a sanitizer reports: ${child.output().slice(-6000)}`);
        trouble.push(...watched.problems.splice(0).slice(0, 20));
        // Sessions outlive agents by design; those of the test end here.
        const left = () => processesOf(this.dir);
        await attempt(() => until(() => left().length === 0, "the last processes of the test to end", { ms: 15_000 }));
        for (const p of left()) {
            trouble.push(`left over: ${p.pid} ${p.command.slice(0, 300)}`);
            kill(p.pid);
        }
        return trouble;
    }

    async disposeAll(machine) {
        const client = this.client();
        const { sessions } = await client.call("list_sessions", { machine: machine.name, limit: 500 });
        for (const session of sessions.filter((one) => one.status === "live")) await client.call("dispose_session", { session_id: session.id, machine: machine.name });
    }

    /** A part of the world's test; when it fails, the logs are shown at the end. */
    test(name, body) {
        return this.t.test(name, async (t) => {
            try {
                await body(t);
            } catch (error) {
                this.failed = true;
                throw error;
            }
        });
    }

    logs() {
        const files = readdirSync(this.dir, { recursive: true }).filter((f) => f.endsWith(".log") && !f.includes("/home/"));
        return files.map((f) => `---- ${f}\n${readFileSync(join(this.dir, f), "utf8").slice(-8000)}`).join("\n");
    }
}

/** Checks once that what the tests need is there: a test that cannot run has failed. */
function checkPrograms() {
    for (const program of [hubProgram, codezProgram, claudeProgram])
        assert.ok(program && existsSync(program), `${program || "CLAUDE_BIN"} is not there: run tools/test, which builds and installs what the tests need`);
}

/**
 * Starts fake API, hub and `machines` machines (named m1, m2, …). `agentEnv` and `agentArgs` go to the agents, `smallState` puts their state on a disk of that size. `hub` makes the hub's options
 * (tls, database, serveArgs, publicUrl) of the world. Ends with the test `t`: a left-over process, a
 * sanitizer's report or a message that breaks the schema of its revision fails it.
 */
export async function startWorld(t, { machines = 1, agentEnv = {}, agentArgs = [], smallState = "", hub = () => ({}) } = {}) {
    checkPrograms();
    const world = new World(t);
    world.agentEnv = agentEnv;
    world.agentArgs = agentArgs;
    world.smallState = smallState;
    let ready = false;
    t.after(async () => {
        const trouble = await world.close();
        if (!ready || trouble.length > 0 || world.failed || process.env.CODEZ_TEST_LOGS) console.error(world.logs());
        if (process.env.CODEZ_TEST_KEEP) console.error(`kept: ${world.dir}`);
        else rmSync(world.dir, { recursive: true, force: true, maxRetries: 5 });
        assert.deepEqual(trouble, []);
    });
    world.api = await startFakeApi();
    world.hub = new Hub(world, await hub(world));
    await world.hub.init();
    await world.hub.start();
    for (let i = 1; i <= machines; i++) await world.addMachine(`m${i}`);
    ready = true;
    return world;
}

export { EventReader, McpClient, alive, kill, processesOf, run, until };
export { script } from "./fake-api/script.mjs";

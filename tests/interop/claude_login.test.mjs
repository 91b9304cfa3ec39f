// The real claude gets at the hub by OAuth: `claude mcp add`, `claude mcp login`, and a session whose model calls a tool.
// Every way to be a client, both spellings of the URL, with the challenge and without. No machine.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { claudeVariables } from "../support/claude-env.mjs";
import { claudeProgram, cleanEnv, run, script } from "../support/harness.mjs";
import { Fatal, until, within } from "../support/wait.mjs";
import { startMatrix } from "./oauth_matrix.mjs";

/** The metadata of a hub that takes no client id metadata documents: claude then registers itself. */
const withoutDocuments = (path, body) => ({ ...body, client_id_metadata_document_supported: undefined });

const registrations = {
    document: { id: (document) => document.url },
    registered: { id: () => /^c_[a-z0-9]+$/, change: withoutDocuments },
    "pre-registered": { id: () => "codez-mcp", args: ["--client-id", "codez-mcp"] },
};

class Claude {
    /** With a home of its own. */
    constructor(world, documentUrl) {
        this.home = mkdtempSync(join(world.dir, "client-"));
        this.env = cleanEnv(this.home, { ...claudeVariables(world.api.url), MCP_OAUTH_CLIENT_METADATA_URL: documentUrl, TERM: "dumb" });
    }

    async run(...args) {
        const { code, stdout, stderr } = await run([claudeProgram, ...args], { env: this.env, cwd: this.home, ms: 120_000 });
        assert.equal(code, 0, stdout + stderr);
        return stdout;
    }

    /** Signs in by what `visit(url)` does with the URL that is printed; what claude has said. It wants a terminal. */
    async login(name, visit) {
        const child = spawn("script", ["-qec", `"${claudeProgram}" mcp login ${name} --no-browser`, "/dev/null"], { env: this.env, cwd: this.home, stdio: "pipe" });
        const ended = once(child, "exit");
        let said = "";
        for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (piece) => (said += piece));
        try {
            const url = await until(() => {
                if (child.exitCode !== null) throw new Fatal(`claude has ended: ${said}`);
                // The terminal's link is the URL between control characters, the second time it is for people.
                return /(http:[^\s\x00-\x1f]+\/authorize\?[^\s\x00-\x1f]+)\x07/.exec(said)?.[1]; // eslint-disable-line no-control-regex
            }, "the URL that claude prints");
            await visit(new URL(url));
            const [code] = await within(ended, "the end of claude mcp login");
            assert.equal(code, 0, said);
            return said;
        } finally {
            child.kill("SIGKILL"); // the terminal's end is claude's
        }
    }

    /** Changes what claude has stored of its one login. */
    alterLogin(change) {
        const file = join(this.home, ".claude/.credentials.json");
        const stored = JSON.parse(readFileSync(file, "utf8"));
        const [[name, login]] = Object.entries(stored.mcpOAuth);
        stored.mcpOAuth[name] = { ...login, ...change };
        writeFileSync(file, JSON.stringify(stored));
        return login;
    }

    /** What the model sees of a tool of the hub. */
    async call(tool) {
        const out = await this.run("-p", script({ tool: { name: `mcp__codez__${tool}`, input: {} } }, "Done."), "--allowedTools=mcp__codez", "--permission-mode=default", "--output-format=stream-json", "--verbose");
        const lines = out.trim().split("\n").map((line) => JSON.parse(line));
        const [result] = lines.filter((line) => line.type === "user").flatMap((line) => line.message.content).filter((c) => c.type === "tool_result");
        assert.ok(result && !result.is_error, out);
        return JSON.parse(typeof result.content === "string" ? result.content : result.content[0].text);
    }
}

/** The browser goes on to where claude listens. */
async function visitCallback(callback) {
    const answer = await fetch(callback);
    assert.equal(answer.status, 200);
    await answer.text();
}

// It looks for the metadata by itself, led or not, and at the same place for both spellings: `resource` is always …/mcp.
for (const challenge of [true, false])
    test(`claude gets in by OAuth, ${challenge ? "with a challenge" : "without one"}`, async (t) => {
        const { world, document, bend, person } = await startMatrix(t);
        const { hub } = world;

        for (const [kind, { id, args = [], change }] of Object.entries(registrations))
            for (const path of ["/mcp", "/mcp/"])
                await world.test(`${kind} client, ${path}`, async () => {
                    bend(challenge ? [] : ["www-authenticate"], change);
                    const claude = new Claude(world, document.url);
                    await claude.run("mcp", "add", "--transport", "http", ...args, "codez", hub.url + path);
                    let asked;
                    const said = await claude.login("codez", async (url) => {
                        asked = url.searchParams;
                        await visitCallback(await person.answer(url.href));
                    });
                    assert.match(said, /Authenticated with "codez"/);
                    const expected = id(document);
                    if (expected instanceof RegExp) assert.match(asked.get("client_id"), expected);
                    else assert.equal(asked.get("client_id"), expected);
                    assert.equal(asked.get("resource"), hub.mcpUrl);
                    assert.deepEqual((await claude.call("list_machines")).machines, []);
                });
    });

test("claude keeps its login, and has none that was refused", async (t) => {
    const { world, document, person } = await startMatrix(t);
    const { hub } = world;

    await world.test("sessions that run at once refresh one login at once, and all of them stay in", async () => {
        const claude = new Claude(world, document.url);
        await claude.run("mcp", "add", "--transport", "http", "codez", hub.mcpUrl);
        await claude.login("codez", async (url) => visitCallback(await person.answer(url.href)));
        const login = claude.alterLogin({ accessToken: "cza_gone", expiresAt: 1 });
        for (const { machines } of await Promise.all([claude.call("list_machines"), claude.call("list_machines"), claude.call("list_machines")])) assert.deepEqual(machines, []);
        assert.notEqual(claude.alterLogin({}).refreshToken, login.refreshToken);
        assert.deepEqual((await claude.call("list_machines")).machines, []);
        const { entries } = await hub.admin("audit", "--workspace", "home");
        assert.ok(!entries.some((entry) => entry.action === "grant.refresh_reused"));
    });

    await world.test("whoever refuses is not in", async () => {
        const claude = new Claude(world, document.url);
        await claude.run("mcp", "add", "--transport", "http", "codez", hub.mcpUrl);
        const refusing = claude.login("codez", async (url) => (await fetch(await person.answer(url.href, { allow: false }))).text());
        await assert.rejects(refusing, /access_denied|refused|denied/i);
        const said = await claude.run("mcp", "get", "codez");
        assert.match(said, /Needs authentication/);
    });
});

// codez-hub as an operator meets it: what it says when something is wrong, and its health endpoints. No machine.

import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { cleanEnv, hubProgram } from "../support/harness.mjs";
import { Authority } from "../support/certificates.mjs";
import { Child, run } from "../support/processes.mjs";

const dir = mkdtempSync(join(tmpdir(), "codez-cli-"));
const env = cleanEnv(dir);
const hub = (...args) => run([hubProgram, ...args], { env, cwd: dir, ms: 20_000 });
const anywhere = ["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];

/** It fails with one sentence that matches. */
async function fails(sentence, ...args) {
    const { code, stdout, stderr } = await hub(...args);
    const said = `codez-hub ${args.join(" ")}: ${code} ${stdout}${stderr}`;
    assert.ok(Number.isInteger(code) && code !== 0, said);
    const lines = stderr.trim().split("\n").filter((line) => !line.startsWith("Run with --help"));
    assert.equal(lines.length, 1, said);
    assert.match(lines[0], sentence, said);
    assert.doesNotMatch(stderr, /errno|std::|terminate|exception|filesystem error|#0 |Sanitizer/, said);
    assert.equal(stdout, "", said);
    return stderr;
}

test("codez-hub", async (t) => {
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    const data = join(dir, "hub");
    const { cert, key } = await Authority.make(dir).then((authority) => authority.issue("hub"));

    await t.test("without a hub", async () => {
        await fails(/There is no hub in .*codez-hub init/, "serve", "--data", data, ...anywhere);
        await fails(/There is no hub in/, "api-key", "--data", data, "--name", "x");
        await fails(/There is no hub in/, "join-token", "--data", data);
        assert.ok(!existsSync(data), "nothing was made");
        await fails(/subcommand/i);
        await fails(/--data/, "serve");
    });

    await t.test("init makes one, once", async () => {
        const { code, stdout } = await hub("init", "--data", data, "--json");
        assert.equal(code, 0);
        const made = JSON.parse(stdout);
        assert.match(made.api_key, /^czk_/);
        assert.match(made.join_token, /^czj_/);
        assert.match(made.sign_in_link, /^\/welcome\?link=czl_[a-z0-9]{40}$/);
        assert.equal(statSync(data).mode & 0o077, 0, "nobody else reads it");
        await fails(/made already.*nothing was changed/, "init", "--data", data);
        await fails(/no such workspace/i, "api-key", "--data", data, "--name", "x", "--workspace", "none");
    });

    await t.test("links that let people in", async () => {
        const printed = async (...args) => {
            const { code, stdout, stderr } = await hub(...args);
            assert.equal(code, 0, stderr);
            return stdout.trim();
        };
        assert.match(await printed("sign-in-link", "--data", data), /^\/welcome\?link=czl_/);
        const invited = ["invite", "--data", data, "--email", "bob@example.org", "--public-url", "https://hub.example.com/"];
        assert.match(await printed(...invited), /^https:\/\/hub\.example\.com\/welcome\?link=czl_[a-z0-9]{40}$/);
        const { link, expires_at } = JSON.parse(await printed(...invited, "--json"));
        assert.match(link, /czl_/);
        assert.ok(Math.abs(expires_at - Date.now() - 24 * 3600 * 1000) < 60_000);
        await fails(/no account of this e-mail address/, "sign-in-link", "--data", data, "--user", "eve@example.org");
        await fails(/There are several workspaces|no such workspace/, "sign-in-link", "--data", data, "--workspace", "none");
        await fails(/no such role\. The roles are/, "invite", "--data", data, "--email", "a@b", "--role", "king");
        await fails(/no e-mail address/, "invite", "--data", data, "--email", "nobody");
        await fails(/--email must be/, "workspace", "--data", data, "--name", "x", "--owner", "y", "--email", "nobody");
        await fails(/--trusted-proxy.*must be like/, "serve", "--data", data, ...anywhere, "--trusted-proxy", "proxy.example.com");
    });

    await t.test("a data directory that cannot be", async () => {
        const file = join(dir, "file");
        writeFileSync(file, "");
        await fails(/data directory .* cannot be made: Not a directory/, "init", "--data", join(file, "hub"));
        const damaged = join(dir, "damaged");
        mkdirSync(damaged);
        writeFileSync(join(damaged, "hub.db"), "This is no database. ".repeat(100));
        await fails(/database file .* cannot be used/, "serve", "--data", damaged, ...anywhere);
        await fails(/database URL must be/, "serve", "--data", data, "--database", "mysql://x", ...anywhere);
        await fails(/database cannot be opened: PostgreSQL: .*refused/, "serve", "--data", data, "--database", "postgresql://x@127.0.0.1:1/x", ...anywhere);
    });

    await t.test("addresses", async () => {
        for (const bad of ["4096x", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:-1", ":", ""]) await fails(/127\.0\.0\.1:4096|--listen/, "serve", "--data", data, "--listen", bad);
        await fails(/not an IP address/, "serve", "--data", data, "--listen", "999.1.1.1:80", "--ops-listen", "127.0.0.1:0");
        for (const bad of ["hub", "ftp://hub", "https://", "https://hub/path", "https://u@hub", "https://hub?x"]) await fails(/--public-url.*https:\/\/hub\.example\.com/, "serve", "--data", data, ...anywhere, "--public-url", bad);
    });

    await t.test("ports that are taken", async () => {
        const other = net.createServer().listen(0, "127.0.0.1");
        await once(other, "listening");
        const taken = `127.0.0.1:${other.address().port}`;
        await fails(/Cannot listen on 127\.0\.0\.1 port \d+: Address already in use/, "serve", "--data", data, "--listen", taken, "--ops-listen", "127.0.0.1:0");
        await fails(/Cannot listen on 127\.0\.0\.1 port \d+: Address already in use/, "serve", "--data", data, "--listen", "127.0.0.1:0", "--ops-listen", taken);
        other.close();
    });

    await t.test("TLS files", async () => {
        const none = join(dir, "none.pem");
        await fails(/--tls-cert.*--tls-key/, "serve", "--data", data, ...anywhere, "--tls-cert", cert);
        await fails(/certificate from .*none\.pem.*No such file/, "serve", "--data", data, ...anywhere, "--tls-cert", none, "--tls-key", key);
        await fails(/private key.*none\.pem.*No such file/, "serve", "--data", data, ...anywhere, "--tls-cert", cert, "--tls-key", none);
        await fails(/private key.*ca\.key/, "serve", "--data", data, ...anywhere, "--tls-cert", cert, "--tls-key", join(dir, "ca.key"));
        writeFileSync(none, "rubbish");
        await fails(/certificate from .*none\.pem/, "serve", "--data", data, ...anywhere, "--tls-cert", none, "--tls-key", key);
    });

    await t.test("where the hub may fetch from", async () => {
        for (const bad of ["idp.example.com", "https://idp.example.com:443", "*.example.com:443", "idp.example.com:0"]) await fails(/--allow-fetch-from.*idp\.example\.com:443/, "serve", "--data", data, ...anywhere, "--allow-fetch-from", bad);
        await fails(/PEM.*no-such-file/, "serve", "--data", data, ...anywhere, "--fetch-ca", join(dir, "no-such-file"));
    });

    await t.test("providers of accounts", async () => {
        const file = join(dir, "providers.json");
        const serve = ["serve", "--data", data, ...anywhere, "--sign-in-providers", file];
        const one = { id: "company", name: "Example", issuer: "https://sso.example.com", client_id: "hub", client_secret: "very-secret" };
        const refuses = async (pattern, text, mode = 0o600) => {
            writeFileSync(file, typeof text === "string" ? text : JSON.stringify(text));
            chmodSync(file, mode);
            const stderr = await fails(pattern, ...serve);
            assert.doesNotMatch(stderr, /very-secret/);
        };
        await fails(/--sign-in-providers.*providers\.json.*not there/, ...serve);
        await refuses(/Others may read .*chmod 600/, [one], 0o644);
        await refuses(/JSON array/, "[{");
        await refuses(/Provider 1: .*not known/, [{ ...one, secret: "very-secret" }]);
        await refuses(/Two providers have the id company/, [one, { ...one, issuer: "https://other.example.com" }]);
        await refuses(/Provider 2 has the issuer of another/, [one, { ...one, id: "other" }]);
        await refuses(/Provider 1: "issuer" must be/, [{ ...one, issuer: "http://sso.example.com" }]);
    });

    await t.test("another authorization server", async () => {
        const serve = (...args) => ["serve", "--data", data, ...anywhere, ...args];
        const issuer = ["--auth-server", "https://idp.example.com"];
        const empty = join(dir, "empty");
        writeFileSync(empty, "\n");
        for (const bad of ["idp.example.com", "http://idp.example.com", "https://idp.example.com?x"]) await fails(/--auth-server.*https URL/, ...serve("--auth-server", bad));
        await fails(/--auth-server.*is missing/, ...serve("--auth-workspace-claim", "workspace"));
        await fails(/--auth-kind/, ...serve(...issuer, "--auth-kind", "saml"));
        await fails(/introspection.*needs --auth-client-id/, ...serve(...issuer, "--auth-kind", "introspection"));
        await fails(/introspection.*needs --auth-client-id/, ...serve(...issuer, "--auth-client-id", "hub"));
        await fails(/holds no secret/, ...serve(...issuer, "--auth-kind", "introspection", "--auth-client-id", "hub", "--auth-client-secret-file", empty));
        await fails(/authkit.*--auth-allow-unbound-audience/, ...serve(...issuer, "--auth-kind", "authkit"));
        await fails(/authkit.*--auth-allow-unbound-audience/, ...serve(...issuer, "--auth-allow-unbound-audience"));
        await fails(/--auth-scope/, ...serve(...issuer, "--auth-scope", "mcp:tools"));
    });

    await t.test("links identities of another authorization server", async () => {
        const link = (...args) => ["link-identity", "--data", data, "--issuer", "https://idp.example.com", ...args];
        const linked = JSON.parse((await hub(...link("--subject", "alice", "--json"))).stdout);
        assert.match(linked.identity_id, /^x_/);
        await fails(/linked already/, ...link("--subject", "alice"));
        await fails(/no account|no such|There is/i, ...link("--subject", "bob", "--user", "nobody@example.com"));
        await fails(/at most 255 bytes/, ...link("--subject", "x".repeat(256)));
        assert.equal((await hub(...link("--subject", "alice", "--remove"))).code, 0);
        await fails(/Nobody/, ...link("--subject", "alice", "--remove"));
    });

    await t.test("a port file that cannot be written", async () => {
        await fails(/port file .* cannot be written/, "serve", "--data", data, ...anywhere, "--port-file", join(dir, "no", "where"));
    });

    await t.test("health", async () => {
        const ports = join(dir, "ports");
        const child = new Child("the hub", [hubProgram, "serve", "--data", data, ...anywhere, "--port-file", ports], { env, cwd: dir, log: join(dir, "hub.log") });
        try {
            const { port, ops_port } = await child.ports(ports);
            const ask = async (path, options) => {
                const response = await fetch(`http://127.0.0.1:${ops_port}${path}`, options);
                return { status: response.status, body: await response.json().catch(() => null) };
            };
            const healthy = await ask("/healthz");
            assert.equal(healthy.status, 200);
            assert.equal(healthy.body.ok, true);
            assert.match(healthy.body.version, /^\d+\.\d+\.\d+/);
            assert.deepEqual(await ask("/readyz"), { status: 200, body: { ok: true, database: "ok", links: 0 } });
            assert.equal((await ask("/healthz", { method: "HEAD" })).status, 200);
            assert.equal((await ask("/healthz", { method: "POST" })).status, 405);
            assert.equal((await ask("/other")).status, 404);
            assert.equal((await ask("/mcp")).status, 404, "the operators' port serves no clients");
            assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 404, "and clients ask nothing of operators");
            await fails(/Cannot listen on 127\.0\.0\.1/, "serve", "--data", data, "--listen", `127.0.0.1:${port}`, "--ops-listen", "127.0.0.1:0");
        } finally {
            const [code] = await child.end();
            assert.equal(code, 0, child.output());
        }
    });
});

// An agent that is reached directly, with API keys of its own: who gets in, and as whom.

import assert from "node:assert/strict";
import { once } from "node:events";
import { cpSync, readFileSync, statSync, writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import tls from "node:tls";

import { Authority } from "../support/certificates.mjs";
import { startDirectWorld } from "../support/direct-machine.mjs";
import { codezProgram, run, script, until } from "../support/harness.mjs";

const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
const listTools = { jsonrpc: "2.0", id: 1, method: "tools/list" };

/** fetch does not let a caller name another Host: {status, headers, text}. */
function raw(url, headers, { method = "POST", body = JSON.stringify(ping) } = {}) {
    return new Promise((resolve, reject) => {
        const request = http.request(url, { method, headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers } }, async (response) => {
            let text = "";
            for await (const piece of response) text += piece;
            resolve({ status: response.statusCode, headers: response.headers, text });
        });
        request.on("error", reject).end(body);
    });
}

/** A response that stays open: {isOpen}. */
async function openStream(client) {
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "codez-test", version: "1" } };
    const begun = await client.post({ jsonrpc: "2.0", id: 1, method: "initialize", params });
    const id = begun.headers.get("mcp-session-id");
    const headers = { ...client.headers, accept: "text/event-stream", "mcp-protocol-version": "2025-11-25", "mcp-session-id": id };
    const stop = new AbortController();
    const response = await fetch(client.url, { headers, signal: stop.signal });
    assert.equal(response.status, 200);
    const stream = { id, isOpen: true, close: () => stop.abort() };
    response.text().catch(() => {}).finally(() => (stream.isOpen = false));
    return stream;
}

test("an agent that is reached directly, with keys", async (t) => {
    const { world, machine } = await startDirectWorld(t);

    await world.test("it does not start while nobody could prove who they are", async () => {
        const refused = async (...args) => {
            const { code, stderr } = await machine.codez("agent", "--local-port", "0", ...args);
            assert.notEqual(code, 0);
            return stderr;
        };
        assert.match(await refused("--listen", "127.0.0.1:0", "--public-url", "https://box.example.com"), /codez key new NAME.*--auth-server URL --auth-subject SUB/);
        assert.match(await refused("--listen", "127.0.0.1:0"), /--public-url/);
        assert.match(await refused("--listen", "127.0.0.1:0", "--public-url", "http://box.example.com"), /must be https/);
        assert.match(await refused("--listen", "127.0.0.1:0", "--public-url", "https://box.example.com/mcp"), /without a path/);
        assert.match(await refused("--listen", "127.0.0.1:0", "--public-url", "https://box.example.com", "--auth-server", "https://idp.example.com"), /--auth-subject/);
        assert.match(await refused("--auth-subject", "alice"), /--listen, which is missing/);
        const { code, stderr } = await run([codezProgram, "agent", "--listen", "127.0.0.1:0", "--public-url", "https://box.example.com", "--auth-subject", "alice"], { env: machine.env({ AUTHKIT_URL: "https://authkit.example.com" }) });
        assert.notEqual(code, 0);
        assert.match(stderr, /AUTHKIT_URL: .*--auth-allow-unbound-audience/);
        const stale = await machine.key("new", "stale");
        await machine.key("revoke", stale.id);
        assert.match(await refused("--listen", "127.0.0.1:0", "--public-url", "https://box.example.com"), /codez key new NAME/);
    });

    const [owner, reader] = [await machine.key("new", "owner"), await machine.key("new", "reader", "--scope", "sessions:read", "--scope", "events:read", "--days", "7")];
    await machine.listen();
    const { url, mcpUrl } = machine;
    const status = async (credential, path) => (await machine.client(credential, path).post(ping)).status;

    await world.test("keys are listed without the secrets, in a file of the user", async () => {
        const { keys } = await machine.key("list");
        assert.deepEqual(keys.map((key) => key.name), ["owner", "reader"]);
        assert.equal(Math.round((keys[1].expires_at - keys[1].created_at) / 86_400_000), 7);
        const file = join(machine.codezHome, "config", "keys.json");
        assert.equal(statSync(file).mode & 0o777, 0o600);
        for (const key of [owner.key, reader.key]) assert.ok(!readFileSync(file, "utf8").includes(key) && !JSON.stringify(keys).includes(key));
    });

    await world.test("a key opens it in every way that one opens a hub", async () => {
        for (const path of ["/mcp", "/mcp/", "/key/mcp"]) {
            assert.equal(await status(owner.key, path), 200, path);
            assert.equal((await raw(`${url}${path}`, { "x-codez-api-key": owner.key })).status, 200, path);
        }
    });

    await world.test("that there is no hub is no trouble", async () => {
        const { machines } = await machine.client(owner.key).call("get_health");
        assert.deepEqual(machines[0].troubles, []);
        const { subsystems } = await machine.client(owner.key).call("get_health_details");
        assert.deepEqual(subsystems.filter((part) => part.name === "link").map((part) => [part.healthy, part.details]), [[true, `No hub; reached directly at ${mcpUrl}.`]]);
    });

    await world.test("without one nobody gets in, from loopback neither, nor is led into OAuth", async () => {
        for (const [credential, error] of [["", ""], ["made-up", ', error="invalid_token"'], [`czk_${"a".repeat(40)}`, ', error="invalid_token"'], [`${owner.key}x`, ', error="invalid_token"']]) {
            const refused = await machine.client(credential).post(ping);
            assert.equal(refused.status, 401, credential);
            assert.equal(refused.headers.get("www-authenticate"), `ApiKey realm="codez"${error}`);
        }
        for (const path of ["", "/", "/mcp", "/mcp/", "/mcp/full"]) {
            const response = await fetch(`${url}/.well-known/oauth-protected-resource${path}`);
            assert.equal(response.status, 404, path);
        }
        assert.equal((await raw(mcpUrl, { "x-codez-api-key": owner.key, authorization: `Bearer ${reader.key}` })).status, 400);
        assert.equal(await status("", "/mcp/full"), 401);
        assert.equal(await status(owner.key, "/mcp/full"), 404);
        assert.equal(await status(owner.key, "/nothing"), 404);
    });

    await world.test("another Host, and pages of other origins, are refused even with a key", async () => {
        const authorization = `Bearer ${owner.key}`;
        assert.equal((await raw(mcpUrl, { authorization, host: "evil.example" })).status, 421);
        assert.equal((await raw(mcpUrl, { authorization, origin: "http://evil.example" })).status, 403);
        assert.equal((await raw(mcpUrl, { authorization, origin: url })).status, 200);
        const asked = { origin: "http://evil.example", "access-control-request-method": "POST" };
        const preflight = await raw(mcpUrl, asked, { method: "OPTIONS", body: "" });
        assert.equal(preflight.status, 403);
        assert.equal(preflight.headers["access-control-allow-origin"], undefined);
    });

    await world.test("what came through a proxy gets in here with a key, and at the local endpoint not at all", async () => {
        for (const name of ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-server", "x-real-ip", "cf-connecting-ip", "cf-ray", "cf-ipcountry", "via", "true-client-ip"]) {
            assert.equal((await raw(machine.localUrl, { [name]: "203.0.113.7" })).status, 401, name);
            assert.equal((await raw(machine.localUrl, { [name]: "203.0.113.7", authorization: `Bearer ${owner.key}` })).status, 401, name);
            assert.equal((await raw(mcpUrl, { [name]: "203.0.113.7" })).status, 401, name);
            assert.equal((await raw(mcpUrl, { [name]: "203.0.113.7", authorization: `Bearer ${owner.key}` })).status, 200, name);
        }
        assert.equal((await machine.local.post(ping)).status, 200);
    });

    await world.test("a key may do what its scopes say, and no more", async () => {
        const client = machine.client(reader.key);
        const { tools } = await client.rpc("tools/list");
        assert.ok(tools.some((tool) => tool.name === "get_session") && !tools.some((tool) => tool.name === "create_session"));
        await assert.rejects(client.call("create_session", { cwd: machine.project("narrow") }), { code: "permission_denied" });
        const upload = await fetch(`${url}/api/v1/uploads?name=a.txt`, { method: "PUT", headers: client.headers, body: "hello" });
        assert.equal(upload.status, 403);
        assert.match(await upload.text(), /sessions:write/);
        assert.equal((await fetch(`${url}/api/v1/uploads?name=a.txt`, { method: "PUT", body: "hello" })).status, 401);
    });

    await world.test("two callers do not see each other's handles, and both stand in the audit", async () => {
        const client = machine.client(owner.key);
        const other = await machine.key("new", "other");
        const upload = await fetch(`${url}/api/v1/uploads?name=a.txt`, { method: "PUT", headers: client.headers, body: "hello" });
        assert.equal(upload.status, 201);
        const { upload_id } = await upload.json();
        const { sessionId: session_id } = await client.call("create_session", { cwd: machine.project("shared"), idempotency_key: "k" });
        const prompt = { session_id, text: script("Read."), uploads: [upload_id] };
        await assert.rejects(machine.client(other.key).call("send_and_wait", prompt), { code: "not_found" });
        assert.equal((await client.call("send_and_wait", prompt)).done, true);

        const again = await client.call("create_session", { cwd: machine.project("shared"), idempotency_key: "k" });
        assert.equal(again.sessionId, session_id);
        const theirs = await machine.client(other.key).call("create_session", { cwd: machine.project("shared"), idempotency_key: "k" });
        assert.notEqual(theirs.sessionId, session_id);

        const stream = await openStream(client);
        const legacy = { "mcp-session-id": stream.id, "mcp-protocol-version": "2025-11-25" };
        assert.equal((await client.post(listTools, { headers: legacy })).status, 200);
        assert.equal((await machine.client(other.key).post(listTools, { headers: legacy })).status, 404);
        assert.equal((await machine.local.post(listTools, { headers: legacy })).status, 404);
        stream.close();

        const { audit } = JSON.parse((await machine.codez("audit", "--json")).stdout);
        const calls = audit.filter((entry) => entry.tool === "create_session").map((entry) => [entry.origin, entry.principal, entry.outcome]);
        assert.deepEqual(calls.sort(), [
            ["direct", `direct/direct/${owner.id}`, "allowed"],
            ["direct", `direct/direct/${owner.id}`, "allowed"], // its repetition
            ["direct", `direct/direct/${other.id}`, "allowed"],
            ["direct", `direct/direct/${reader.id}`, "refused"],
        ].sort());
    });

    await world.test("a revoked key ends within a second, and what it has open with it", async () => {
        const lost = await machine.key("new", "lost");
        const [theirs, mine] = [await openStream(machine.client(lost.key)), await openStream(machine.client(owner.key))];
        await machine.key("revoke", lost.id);
        assert.equal(await status(lost.key), 401);
        await until(() => !theirs.isOpen, "the stream of the revoked key to end");
        assert.equal(mine.isOpen, true, "a stream of another key");
        mine.close();
    });

    await world.test("keys that cannot be read let nobody in, and are not called wrong", async () => {
        const file = join(machine.codezHome, "config", "keys.json");
        const whole = readFileSync(file, "utf8");
        writeFileSync(file, whole.slice(0, -30));
        assert.equal(await status(owner.key), 503);
        writeFileSync(file, whole);
        assert.equal(await status(owner.key), 200);
    });

    await world.test("whoever tries keys is told to wait; a right key still works", async () => {
        let refused;
        for (let i = 0; i < 400 && refused?.status !== 429; i++) refused = await machine.client(`czk_${i}`).post(ping);
        assert.equal(refused.status, 429);
        assert.ok(Number(refused.headers.get("retry-after")) > 0);
        assert.equal(await status(owner.key), 200);
        assert.equal(await status(""), 401);
    });

    await world.test("no key is in the log", () => {
        const log = readFileSync(machine.log, "utf8");
        for (const { key } of [owner, reader]) assert.ok(!log.includes(key));
        assert.match(log, /reached directly/);
    });
});

test("an agent that is reached directly ends TLS itself", async (t) => {
    const { world, machine } = await startDirectWorld(t);
    const authority = await Authority.make(world.dir);
    const { cert, key: certificateKey } = await authority.issue("first");
    tls.setDefaultCACertificates([...tls.getCACertificates("default"), readFileSync(authority.file, "utf8")]);
    const { key } = await machine.key("new", "laptop");
    await machine.listen(["--tls-cert", cert, "--tls-key", certificateKey], "https");
    const shownName = async () => {
        const socket = tls.connect({ host: "127.0.0.1", port: machine.directPort, ca: readFileSync(authority.file) });
        await once(socket, "secureConnect");
        const { subject } = socket.getPeerCertificate();
        socket.destroy();
        return subject.CN;
    };

    await world.test("a session works over it", async () => {
        const client = machine.client(key);
        const { sessionId: session_id } = await client.call("create_session", { cwd: machine.project("secure") });
        assert.equal((await client.call("send_and_wait", { session_id, text: script("Behind a lock.") })).done, true);
        assert.equal((await machine.client("").post(ping)).status, 401);
    });

    await world.test("SIGHUP takes over a new certificate, and the agent lives on", async () => {
        assert.equal(await shownName(), "first");
        const fresh = await authority.issue("second");
        cpSync(fresh.cert, cert);
        cpSync(fresh.key, certificateKey);
        process.kill(machine.child.pid, "SIGHUP");
        await until(async () => (await shownName()) === "second", "the new certificate to be shown");
        assert.equal((await machine.client(key).post(ping)).status, 200);
    });
});

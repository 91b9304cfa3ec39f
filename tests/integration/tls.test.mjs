// The hub ends TLS itself, with a certificate by a private authority: the main job, and certificates that are replaced while
// it serves.

import assert from "node:assert/strict";
import { once } from "node:events";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import https from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import tls from "node:tls";

import { Machine, kill, script, startWorld, until } from "../support/harness.mjs";
import { Authority } from "../support/certificates.mjs";

/** The name in the certificate that a new connection is shown. */
async function shownName(world) {
    const socket = tls.connect({ host: "127.0.0.1", port: world.hub.port, ca: readFileSync(world.hub.tls.ca) });
    await once(socket, "secureConnect");
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return subject.CN;
}

test("a hub with TLS", async (t) => {
    let authority;
    const world = await startWorld(t, {
        hub: async (w) => {
            authority = await Authority.make(w.dir);
            const { cert, key } = await authority.issue("first");
            tls.setDefaultCACertificates([...tls.getCACertificates("default"), readFileSync(authority.file, "utf8")]);
            return { tls: { cert, key, ca: authority.file } };
        },
    });
    const [machine] = world.machines;
    const client = world.client();
    const replace = async (name) => {
        const fresh = await authority.issue(name);
        cpSync(fresh.cert, world.hub.tls.cert);
        cpSync(fresh.key, world.hub.tls.key);
    };

    await world.test("a session works over it", async () => {
        const { session } = await world.createSession("secure");
        const answer = await client.call("send_and_wait", { session_id: session, text: script("Behind a lock.") });
        assert.equal(answer.done, true, JSON.stringify(answer));
    });

    await world.test("strangers to the authority refuse it, also codez setup", async () => {
        const untrusting = https.request(world.hub.mcpUrl, { ca: [] });
        untrusting.end();
        const [error] = await once(untrusting, "error");
        assert.match(error.code, /UNABLE_TO|SELF_SIGNED|CERT/);
        const file = join(world.dir, "token");
        writeFileSync(file, "czj_" + "a".repeat(40));
        const { code, stderr } = await new Machine(world, "untrusting").codez("setup", "--hub", world.hub.url, "--join", "--join-file", file);
        assert.notEqual(code, 0);
        assert.match(stderr, /certificate/i);
    });

    await world.test("a new certificate is for new connections, the old ones live on", async () => {
        assert.equal(await shownName(world), "first");
        const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: readFileSync(authority.file) });
        const list = async () => {
            const request = https.request(world.hub.mcpUrl, { method: "POST", agent, headers: { "content-type": "application/json", "x-codez-api-key": world.hub.credentials.api_key } });
            request.end(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }));
            const [response] = await once(request, "response");
            response.resume();
            await once(response, "end");
            return { status: response.statusCode, name: request.socket.getPeerCertificate().subject.CN, port: request.socket.localPort };
        };
        const before = await list();
        assert.equal(before.status, 200);
        await replace("second");
        kill(world.hub.child.pid, "SIGHUP");
        await until(() => /TLS files were read again/.test(world.hub.child.output()), "the hub to read its files again");
        assert.equal(await shownName(world), "second");
        assert.deepEqual(await list(), before, "the connection that was open stays as it was");
        agent.destroy();
        assert.equal((await client.call("get_machine")).machine.online, true);
        assert.equal(world.hub.child.output().split("machine linked").length - 1, 1, "and so does the machine's link");
    });

    await world.test("files that do not fit change nothing, and the log says so", async () => {
        const trouble = () => world.hub.child.output().split("were not taken over").length - 1;
        const broken = [
            () => writeFileSync(world.hub.tls.cert, "no certificate"),
            async () => cpSync((await authority.issue("third")).cert, world.hub.tls.cert), // the key is another's
            () => writeFileSync(world.hub.tls.key, ""),
        ];
        for (const [index, spoil] of broken.entries()) {
            await spoil();
            kill(world.hub.child.pid, "SIGHUP");
            await until(() => trouble() === index + 1, "the hub to complain");
            assert.equal(await shownName(world), "second");
        }
        await replace("fourth");
        kill(world.hub.child.pid, "SIGHUP");
        await until(async () => (await shownName(world)) === "fourth", "the good files to be taken over");
    });

    await world.test("the machine links again over the new certificate", async () => {
        await world.hub.kill();
        await world.hub.start();
        await world.online(machine);
    });
});

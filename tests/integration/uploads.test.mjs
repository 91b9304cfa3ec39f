// Files for sessions: uploaded through the hub or at the machine itself, shown to claude or put where it can read them.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, statSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { test } from "node:test";

import { McpClient, script, startWorld, until } from "../support/harness.mjs";
import { LinkPeer, flag, reply } from "../support/link-peer.mjs";
import { ended, runTurn } from "../support/turns.mjs";

const MiB = 1 << 20;
// One red pixel.
const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==", "base64");
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** What two ways to a machine have: the URL to upload to, the headers, and an MCP client. */
const throughHub = (world, key = world.hub.credentials.api_key) => ({ url: `${world.hub.url}/api/v1/uploads`, headers: { authorization: `Bearer ${key}` }, client: world.client(key) });
const atMachine = (machine) => ({ url: `http://127.0.0.1:${machine.localPort}/api/v1/uploads`, headers: {}, client: new McpClient(machine.localUrl) });

async function put(way, bytes, { query = "", method = "PUT", headers = {} } = {}) {
    const response = await fetch(way.url + query, { method, headers: { ...way.headers, ...headers }, body: method === "PUT" ? bytes : undefined, duplex: "half", signal: AbortSignal.timeout(120_000) });
    return { status: response.status, body: await response.json() };
}

/** A connection that has sent the head and this part of an upload; `answer()` is all that comes back until it closes. */
async function begin(world, total, part, query = "") {
    const socket = net.connect(world.hub.port, "127.0.0.1");
    let text = "";
    socket.on("error", () => {}).on("data", (piece) => (text += piece));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await once(socket, "connect");
    socket.write(`PUT /api/v1/uploads${query} HTTP/1.1\r\nHost: 127.0.0.1:${world.hub.port}\r\nAuthorization: Bearer ${world.hub.credentials.api_key}\r\nContent-Length: ${total}\r\n\r\n`);
    socket.write(part);
    return { socket, answer: async () => (await closed, text) };
}

const spool = (machine) => join(machine.codezHome, "state", "uploads");
const parts = (machine) => readdirSync(spool(machine)).filter((name) => name.endsWith(".part"));

test("uploads", async (t) => {
    const world = await startWorld(t);
    const [machine] = world.machines;
    const ways = { "through the hub": throughHub(world), "at the machine": atMachine(machine) };

    for (const [name, way] of Object.entries(ways)) {
        await world.test(`a file arrives whole ${name}`, async () => {
            const bytes = randomBytes(3 * MiB + 17);
            const { status, body } = await put(way, bytes, { query: "?name=some%20notes%2Fd%C3%A9j%C3%A0.bin" });
            assert.equal(status, 201, JSON.stringify(body));
            assert.match(body.upload_id, /^up_[a-z0-9]{24}$/);
            assert.deepEqual({ bytes: body.bytes, sha256: body.sha256, media_type: body.media_type, name: body.name }, { bytes: bytes.length, sha256: sha256(bytes), media_type: "application/octet-stream", name: "d__j__.bin" });
            assert.ok(body.expires_at > Date.now() + 23 * 3600_000 && body.expires_at < Date.now() + 25 * 3600_000);
            const file = join(spool(machine), body.upload_id);
            assert.equal(statSync(file).mode & 0o777, 0o600);
            assert.equal(statSync(spool(machine)).mode & 0o777, 0o700);
        });

        await world.test(`an image is shown to claude, another file is read by it, ${name}`, async () => {
            const { client } = way;
            const { session } = await world.createSession(`shown ${name}`.replaceAll(" ", "-"), {}, { client });
            const image = (await put(way, png, { query: "?name=pixel.txt", headers: { "content-type": "text/plain" } })).body;
            assert.equal(image.media_type, "image/png", "what it is, not what it is called");
            const notes = (await put(way, Buffer.from("the secret word is quince\n"), { query: "?name=notes.md" })).body;
            const path = join(machine.codezHome, "state", "attachments", session, notes.upload_id, "notes.md");
            const steps = script({ text: "I will read it.", tool: { name: "Read", input: { file_path: path } } }, "Read.");
            const sent = await client.call("send_and_wait", { session_id: session, text: steps, uploads: [image.upload_id, notes.upload_id] });
            assert.equal(sent.done, true, JSON.stringify(sent));
            assert.deepEqual(sent.pending_permissions, [], "reading it needs nobody's leave");
            const requests = world.api.log.filter((r) => r.session === session);
            const first = requests.find((r) => r.images.length > 0);
            assert.deepEqual(first.images, [{ media_type: "image/png", sha256: sha256(png) }]);
            const shown = join(machine.codezHome, "state", "attachments", session, image.upload_id, "pixel.txt");
            assert.ok(first.prompt.includes(`Attached files:\n- ${shown} (${png.length} bytes, image/png, shown above)\n- ${path} (${notes.bytes} bytes, application/octet-stream)`), first.prompt);
            assert.ok(requests.some((r) => r.toolResults.some((one) => !one.is_error && one.content.includes("quince"))), "claude has read the file");
        });

        await world.test(`what is wrong with an upload is said ${name}`, async () => {
            for (const [what, status, code, options, bytes = png] of [
                ["another verb", 405, "invalid_argument", { method: "GET" }],
                ["an unknown parameter", 400, "invalid_argument", { query: "?file=x" }],
                ["a parameter twice", 400, "invalid_argument", { query: "?name=a&name=b" }],
                ["too long a name", 400, "invalid_argument", { query: `?name=${"x".repeat(129)}` }],
                ["a broken query", 400, "invalid_argument", { query: "?name=%zz" }],
                ["a machine that is not there", 404, "not_found", { query: "?machine=nobody" }],
                ["nothing", 400, "invalid_argument", {}, Buffer.alloc(0)],
                ["too much", 413, "invalid_argument", {}, Buffer.alloc(32 * MiB + 1)],
            ]) {
                const answer = await put(way, bytes, options).catch((error) => error);
                if (status === 413 && answer instanceof Error) continue; // the connection was closed under the client's writing
                assert.equal(answer.status, status, `${what}: ${JSON.stringify(answer.body)}`);
                assert.equal(answer.body.code, code, what);
                assert.ok(answer.body.message && answer.body.request_id, what);
            }
            const stream = new ReadableStream({ pull: (c) => (c.enqueue(png), c.close()) });
            assert.equal((await put(way, stream)).status, 411);
        });
    }

    await world.test("tools that are allowed stay so beside the files", async () => {
        const way = ways["at the machine"]; // a hub would need the policy's word
        const { session } = await world.createSession("allowed", { allowed_tools: ["Bash(touch allowed)"] }, { client: way.client });
        const { upload_id, name } = (await put(way, Buffer.from("quince\n"), { query: "?name=notes.md" })).body;
        const path = join(machine.codezHome, "state", "attachments", session, upload_id, name);
        const steps = script({ tool: { name: "Bash", input: { command: "touch allowed", description: "make a file" } } }, { tool: { name: "Read", input: { file_path: path } } }, "Both.");
        const sent = await way.client.call("send_and_wait", { session_id: session, text: steps, uploads: [upload_id] });
        assert.deepEqual([sent.done, sent.pending_permissions, sent.text], [true, [], "Both."], JSON.stringify(sent));
    });

    await world.test("an upload is of use to who sent it only", async () => {
        const { client } = ways["through the hub"];
        const { session } = await world.createSession("whose");
        const send = (uploads, by = client) => by.call("send_prompt", { session_id: session, text: script("No."), uploads });
        const mine = (await put(ways["through the hub"], png)).body.upload_id;
        const other = throughHub(world, (await world.hub.admin("api-key", "--name", "other")).api_key);
        for (const [uploads, by] of [[["up_000000000000000000000000"], client], [[mine], other.client], [[mine], ways["at the machine"].client]])
            await assert.rejects(send(uploads, by), (e) => e.code === "not_found" && e.message.includes(uploads[0]));
        await assert.rejects(send([mine, mine]), (e) => e.code === "invalid_argument" && /twice/.test(e.message));
        for (const bad of ["x", [7], ["../x"], Array(17).fill(mine)]) await assert.rejects(send(bad), (e) => e.code === "invalid_argument" && /uploads/.test(e.message));
        assert.equal(world.api.log.some((r) => r.session === session), false, "nothing was sent");
    });

    await world.test("the same text with the same files is waited for, with others it is another prompt", async () => {
        const way = ways["through the hub"];
        const { session } = await world.createSession("attached");
        const [one, two] = [(await put(way, png)).body.upload_id, (await put(way, png)).body.upload_id];
        const send = (uploads) => way.client.call("send_and_wait", { session_id: session, text: script({ text: "Seen.", hold: "files" }), uploads, timeout_ms: 300 });
        const [first, same, other] = [await send([one]), await send([one]), await send([two])];
        assert.deepEqual([first.attached, same.attached, other.attached], [undefined, true, undefined]);
        assert.equal(same.promptId, first.promptId);
        assert.notEqual(other.promptId, first.promptId);
        world.api.releaseHold("files");
        await world.reader({ session }).until(ended, "the end of the turn");
    });

    await world.test("without a credential, and from another workspace, there is nothing", async () => {
        const nobody = { url: ways["through the hub"].url, headers: {} };
        assert.equal((await put(nobody, png)).status, 401);
        assert.equal((await put({ ...nobody, headers: { authorization: "Bearer czk_wrong" } }, png)).status, 401);
        const foreign = await world.hub.admin("workspace", "--name", "elsewhere", "--owner", "eve");
        const there = await put(throughHub(world, foreign.api_key), png, { query: "?machine=m1" });
        const nowhere = await put(throughHub(world, foreign.api_key), png, { query: "?machine=m9" });
        assert.equal(there.status, 404);
        assert.deepEqual([there.status, there.body.code, there.body.message.replace("m1", "")], [nowhere.status, nowhere.body.code, nowhere.body.message.replace("m9", "")]);
    });

    await world.test("two large ones at once, each whole", async () => {
        const files = [randomBytes(32 * MiB), randomBytes(20 * MiB)];
        const answers = await Promise.all(files.map((bytes) => put(ways["through the hub"], bytes)));
        assert.deepEqual(answers.map((a) => [a.status, a.body.sha256 ?? a.body.message]), files.map((bytes) => [201, sha256(bytes)]));
        assert.equal((await world.client().call("list_machines")).machines.length, 1, "others are served meanwhile");
    });

    await world.test("one that is cut off leaves nothing", async () => {
        const kept = readdirSync(spool(machine)).length;
        const { socket } = await begin(world, 5 * MiB, Buffer.alloc(2 * MiB));
        await until(() => parts(machine).length === 1, "the machine to receive");
        socket.destroy();
        await until(() => parts(machine).length === 0, "the half to be dropped");
        assert.equal(readdirSync(spool(machine)).length, kept);
    });

    await world.test("the hub's audit has those that came and those that did not", async () => {
        const uploads = () => world.hub.admin("audit", "--workspace", "home").then(({ entries }) => entries.filter((e) => e.action === "upload"));
        const entries = await until(async () => {
            const all = await uploads();
            return all.some((e) => e.result === "cancelled") && all;
        }, "the one that was cut off");
        const { machines } = await world.client().call("list_machines");
        for (const entry of entries.filter((e) => e.result === "ok" || e.result === "cancelled")) assert.equal(entry.machine, machines[0].machineId);
        assert.ok(entries.filter((e) => e.result === "ok").length >= 4);
        assert.ok(entries.every((e) => /^user:u_.*\/k_/.test(e.actor) && !JSON.stringify(e).includes("notes")));
    });

    await world.test("a machine that is lost in the middle is told, and has nothing left when it is back", async () => {
        const { answer } = await begin(world, 5 * MiB, Buffer.alloc(2 * MiB), "?machine=m1"); // and no more
        await until(() => parts(machine).length === 1, "the machine to receive");
        await machine.kill();
        await world.online(machine, false);
        assert.match(await answer(), /^HTTP\/1.1 503 [\s\S]*machine_offline/);
        await machine.start();
        await world.online(machine);
        assert.deepEqual(parts(machine), []);
        assert.equal((await put(ways["through the hub"], png)).status, 201);
    });

    await world.test("what was uploaded before a restart of the agent is of use after it", async () => {
        const { session } = await world.createSession("restart");
        const { upload_id } = (await put(ways["through the hub"], png)).body;
        await machine.kill();
        await machine.start();
        await world.online(machine);
        const client = world.client();
        await client.call("send_and_wait", { session_id: session, text: script("Seen."), uploads: [upload_id] });
        assert.ok(world.api.log.some((r) => r.session === session && r.images[0]?.sha256 === sha256(png)));
    });

    await world.test("an agent that cannot take files, and one that takes none of what it was sent", async () => {
        const peer = new LinkPeer(world.hub.url, "peer");
        t.after(() => peer.close());
        await peer.enrol((await world.hub.admin("join-token", "--workspace", "home")).join_token);
        const connect = async (abilities) => {
            peer.close();
            await peer.connect({ forgeHello: (hello) => ({ ...hello, abilities }) });
            await until(async () => (await world.client().call("list_machines")).machines.find((m) => m.name === "peer")?.online, "the peer to be online");
        };
        const send = (bytes = Buffer.alloc(4 * MiB)) => put(ways["through the hub"], bytes, { query: "?machine=peer" });
        await connect(undefined);
        const old = await send(png);
        assert.deepEqual([old.status, old.body.code], [501, "unsupported_by_machine"]);

        await connect(["call_body"]);
        let received = 0;
        peer.onBody = (bytes) => (received += bytes.length);
        peer.onCall = () => {};
        const { answer } = await begin(world, 4 * MiB, Buffer.alloc(4 * MiB), "?machine=peer");
        await until(() => received >= 256 << 10, "the window to be used");
        for (let i = 0; i < 3; i++) await world.client().call("list_machines");
        assert.equal(received, 256 << 10, "nothing goes beyond what was granted");
        const { id, header } = peer.calls.at(-1);
        assert.deepEqual([header.tool, header.body_bytes], ["codez.upload", 4 * MiB]);
        peer.send(reply(id, JSON.stringify({ code: "resource_exhausted", message: "No room.", hint: "", retryable: true, request_id: "r" }), flag.error));
        assert.match(await answer(), /^HTTP\/1.1 429 [\s\S]*No room\./);

        const lost = await begin(world, 4 * MiB, Buffer.alloc(4 * MiB), "?machine=peer");
        await until(() => received >= 512 << 10, "the next window to be used");
        peer.close();
        assert.match(await lost.answer(), /^HTTP\/1.1 503 [\s\S]*machine_offline/);
    });
});

test("uploads to a full disk", async (t) => {
    const world = await startWorld(t, { smallState: "48m" });
    const way = throughHub(world);
    const first = await put(way, randomBytes(24 * MiB));
    assert.equal(first.status, 201);
    const second = await put(way, randomBytes(24 * MiB)).catch((error) => error);
    if (!(second instanceof Error)) {
        assert.deepEqual([second.status, second.body.code], [429, "resource_exhausted"]);
        assert.match(second.body.message, /disk is full/);
    }
    const state = join(world.machines[0].stateThroughProc(), "uploads");
    await until(() => readdirSync(state).length === 2, "the half to be dropped");
    assert.ok(existsSync(join(state, first.body.upload_id)));
    assert.equal((await put(way, png)).status, 201, "what fits is taken");
    const { session } = await world.createSession("after");
    await runTurn(world.client(), session, script("Still alive."));
});

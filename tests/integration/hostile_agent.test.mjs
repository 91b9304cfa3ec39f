// A hostile machine: enrolled and well-mannered in the handshake, then it sends what it should not. The client never sees
// more than its one answer, other machines are not touched, the link ends with its code.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { script, startWorld, until } from "../support/harness.mjs";
import { LinkPeer, event, flag, frame, frameType, jsonFrame, reply } from "../support/link-peer.mjs";
import { within } from "../support/wait.mjs";

const forged = '{"jsonrpc":"2.0","id":999999,"result":{"content":[{"type":"text","text":"forged"}]}}';
const summary = (id, more = {}) => ({ id, project_slug: "-x", cwd: "/x", title: "t", status: "live", state: "idle", model: "", permission_mode: "default", created_at: 1, updated_at: 1, created_at_ms: 1, updated_at_ms: 1, pending_permissions: 0, ...more });

test("a hostile machine", async (t) => {
    const world = await startWorld(t);
    const client = world.client();
    const peer = new LinkPeer(world.hub.url, "evil");
    await peer.enrol((await world.hub.admin("join-token")).join_token);
    t.after(() => peer.close());

    const connect = async (options) => {
        peer.close();
        await peer.connect(options);
        await until(async () => (await client.call("list_machines")).machines.find((m) => m.name === "evil")?.online, "the peer to be online");
    };
    /** Calls a tool of the peer, which answers by `misbehave(id)`: what the client got, and how the link ended. */
    const provoke = async (misbehave) => {
        await connect();
        peer.onCall = ({ id }) => misbehave(id);
        const answer = await client.post({ jsonrpc: "2.0", id: 5, method: "tools/call", params: { name: "get_session", arguments: { session_id: randomUUID(), machine: "evil" } } }).catch((error) => error);
        return { answer, end: await within(peer.closed, "the link to end") };
    };
    const send = (...frames) => peer.send(...frames);

    await world.test("the peer's good answer arrives", async () => {
        await connect();
        peer.onCall = ({ id }) => send(reply(id, '{"content":[{"type":"text","text":"{}"}],'), reply(id, '"structuredContent":{}}', flag.fin));
        const result = await client.callRaw("get_session", { session_id: randomUUID(), machine: "evil" });
        assert.deepEqual(result.structuredContent, {});
        assert.equal(peer.calls[0].header.tool, "get_session");
    });

    for (const [what, codes, misbehave] of [
        ["a second message behind the result", [4400], (id) => send(reply(id, `{"content":[]}\n\n${forged}`, flag.fin))],
        ["an event of a stream behind the result", [4400], (id) => send(reply(id, `{"content":[]}\r\n\r\ndata: ${forged}\r\n\r\n`, flag.fin))],
        ["members that close the envelope", [4400], (id) => send(reply(id, `{"content":[]}},${forged}`, flag.fin))],
        ["no object", [4400], (id) => send(reply(id, `[${forged}]`, flag.fin))],
        ["nothing", [4400], (id) => send(reply(id, "", flag.fin))],
        ["an object that does not end", [4400], (id) => send(reply(id, '{"content":[', flag.fin))],
        ["a line end in a text", [4400], (id) => send(reply(id, `{"content":"\n\ndata: ${forged.replaceAll('"', "'")}\n\n"}`, flag.fin))],
        ["UTF-8 that ends in its middle", [4400], (id) => send(reply(id, Buffer.from('{"a":"\xc3', "latin1")), reply(id, '"}', flag.fin))],
        ["a surrogate as UTF-8", [4400], (id) => send(reply(id, Buffer.from('{"a":"\xed\xa0\x80"}', "latin1"), flag.fin))],
        ["an overlong slash", [4400], (id) => send(reply(id, Buffer.from('{"a":"\xc0\xaf"}', "latin1"), flag.fin))],
        ["a nested bomb", [4400], (id) => send(reply(id, `{"a":${"[".repeat(20_000)}`))],
        ["an answer to a call that was never made", [4400], (id) => send(reply(id + 1000, forged, flag.fin))],
        ["fin and error at once", [4400], (id) => send(reply(id, "{}", flag.fin | flag.error))],
        ["an unknown flag", [4400], (id) => send(reply(id, "{}", 64))],
        ["a frame of the other direction", [4400], () => send(frame(frameType.call, Buffer.alloc(20)))],
        ["an unknown frame", [4400], () => send(frame(99, "x"))],
        ["a length that does not fit", [4400, 4413], () => send(frame(frameType.pong, Buffer.alloc(8)).subarray(0, 10))],
        ["an empty message", [4400], () => send(Buffer.alloc(0))],
        ["a chunk above its limit", [4400, 4413], (id) => send(reply(id, `{"a":"${"x".repeat(40_000)}`))],
        ["more than its credit", [4400], (id) => send(...Array.from({ length: 30 }, (_, i) => reply(id, (i === 0 ? '{"a":"' : "") + "x".repeat(30_000))))],
        ["an event of a bomb", [4400], () => send(event(1, 0, "[".repeat(10_000)))],
        ["sessions that are none", [4400], () => send(jsonFrame(frameType.sessions, { sessions: 7 }))],
        ["a second hello", [4400], () => send(jsonFrame(frameType.hello, {}))],
        ["a text message", [4400, 1003], () => peer.socket.send("hello")],
    ])
        await world.test(what, async () => {
            const { answer, end } = await provoke(misbehave);
            assert.ok(codes.includes(end.code), `the link ended with ${end.code} ${end.reason}`);
            if (answer instanceof Error) return; // the response was cut off: no half result for a whole one
            assert.ok(!answer.text.includes("999999"), answer.text);
            const message = JSON.parse(answer.text);
            assert.equal(message.id, 5);
            assert.equal(message.result.isError, true, answer.text);
        });

    await world.test("an error of the machine cannot forge either", async () => {
        await connect();
        peer.onCall = ({ id }) => send(reply(id, `{"code":"internal","message":"${"\\n".repeat(3)}${forged.replaceAll('"', '\\"')}"}`, flag.error));
        const { status, text } = await client.post({ jsonrpc: "2.0", id: 6, method: "tools/call", params: { name: "get_session", arguments: { session_id: randomUUID(), machine: "evil" } } });
        assert.equal(status, 200);
        assert.equal(JSON.parse(text).id, 6);
        assert.equal(JSON.parse(text).result.isError, true);
    });

    await world.test("it cannot take over another machine's session", async () => {
        const made = await world.createSession("victim", { machine: "m1" });
        await connect({ sessions: [summary(made.session)] });
        peer.onCall = ({ id }) => send(reply(id, '{"content":[{"type":"text","text":"{}"}],"structuredContent":{"stolen":true}}', flag.fin));
        const error = await until(() => client.call("send_prompt", { session_id: made.session, text: script("x") }).then(() => false, (e) => e.code === "machine_ambiguous" && e), "the double id to be seen", { ms: 10_000 });
        assert.ok(JSON.stringify(error.envelope).includes(peer.machineId), "the choices are named");
        assert.equal(peer.calls.length, 0, "nothing was sent to the wrong machine");
        const value = await client.call("send_and_wait", { session_id: made.session, machine: "m1", text: script("Mine.") });
        assert.equal(value.done, true);
    });

    await world.test("a wrong signature, another's id, an unknown id: refused alike", async () => {
        const { machines } = await client.call("list_machines");
        const real = machines.find((m) => m.name === "m1").machineId;
        for (const forge of [{ forgeSignature: (s) => Buffer.from(s).fill(7) }, { forgeHello: (h) => ({ ...h, machine_id: real }) }, { forgeHello: (h) => ({ ...h, machine_id: "mch_nobody" }) }]) {
            peer.close();
            const stranger = new LinkPeer(world.hub.url, "evil");
            Object.assign(stranger, { key: peer.key, machineId: peer.machineId, linkCounter: peer.linkCounter });
            stranger.connect(forge).catch(() => {});
            await until(() => stranger.closed, "the socket");
            assert.equal((await within(stranger.closed, "the link to end", 15_000)).code, 4401);
        }
        assert.ok((await client.call("list_machines")).machines.find((m) => m.name === "m1").online, "the real one stays");
    });

    await world.test("the good machine served all the time", async () => {
        assert.equal((await client.call("list_sessions", { machine: "m1" })).sessions.length, 1);
    });
});

// The machine's end of a link, written from proto/README.md alone: it enrols and shakes hands as a machine does, then
// sends whatever bytes a test wants.

import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { once } from "node:events";

import { until, within } from "./wait.mjs";

export const frameType = { hello: 1, challenge: 2, auth: 3, welcome: 4, call: 16, reply: 17, credit: 18, cancel: 19, progress: 20, body: 24, bodyCredit: 25, event: 32, ack: 33, sessions: 34, ping: 48, pong: 49, drain: 50 };
export const flag = { fin: 1, error: 2 };

const base64url = (bytes) => Buffer.from(bytes).toString("base64url");

export function frame(type, payload, flags = 0) {
    const bytes = Buffer.from(payload);
    const head = Buffer.alloc(6);
    head.writeUInt32BE(bytes.length, 0);
    head.writeUInt8(type, 4);
    head.writeUInt8(flags, 5);
    return Buffer.concat([head, bytes]);
}

const u64 = (value) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(value));
    return bytes;
};

export const reply = (id, payload, flags = 0) => frame(frameType.reply, Buffer.concat([u64(id), Buffer.from(payload)]), flags);
export const event = (seq, previous, body) => frame(frameType.event, Buffer.concat([u64(seq), u64(previous), Buffer.from(body)]));
export const jsonFrame = (type, value) => frame(type, JSON.stringify(value));

function* framesIn(message) {
    for (let at = 0; at < message.length; ) {
        const length = message.readUInt32BE(at);
        yield { type: message.readUInt8(at + 4), flags: message.readUInt8(at + 5), payload: message.subarray(at + 6, at + 6 + length) };
        at += 6 + length;
    }
}

/** What both ends sign: a purpose, then each field as u16 length and bytes. */
function signedText(purpose, fields) {
    const parts = [Buffer.from(`${purpose}\0`)];
    for (const field of fields) {
        const bytes = Buffer.from(field);
        const length = Buffer.alloc(2);
        length.writeUInt16BE(bytes.length);
        parts.push(length, bytes);
    }
    return Buffer.concat(parts);
}

export class LinkPeer {
    calls = []; // {id, header, args}
    tools = ["get_session", "send_prompt", "list_sessions", "list_projects", "get_health", "poll_events"];
    linkCounter = 0;

    constructor(hubUrl, name) {
        this.hubUrl = hubUrl;
        this.name = name;
        const { privateKey, publicKey } = generateKeyPairSync("ed25519");
        this.key = createPrivateKey(privateKey.export({ type: "pkcs8", format: "pem" }));
        this.publicKey = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
    }

    async enrol(joinToken) {
        const nonce = randomBytes(32);
        const text = signedText("codez-enroll-v1", [this.hubUrl, nonce, this.publicKey]);
        const response = await fetch(`${this.hubUrl}/agent/v1/enroll`, {
            method: "POST",
            headers: { "content-type": "application/json", authorization: `Bearer ${joinToken}` },
            body: JSON.stringify({ pub: base64url(this.publicKey), nonce: base64url(nonce), sig: base64url(sign(null, text, this.key)), name: this.name, version: "0.1.0", os: "Linux", arch: "x86_64", hostname: this.name }),
        });
        const answer = await response.json();
        if (response.status !== 200) throw new Error(`enrolment: ${response.status} ${JSON.stringify(answer)}`);
        this.machineId = answer.machine_id;
        return answer;
    }

    /** Opens a link and shakes hands; `forge` may change hello and auth. */
    async connect({ forgeHello = (h) => h, forgeSignature = (s) => s, sessions = [] } = {}) {
        this.calls = [];
        const frames = [];
        this.socket = new WebSocket(`${this.hubUrl.replace(/^http/, "ws")}/agent/v1/link`, "codez.link.v1");
        this.socket.binaryType = "arraybuffer";
        this.closed = once(this.socket, "close").then(([e]) => ({ code: e.code, reason: e.reason }));
        this.socket.addEventListener("error", () => {});
        this.socket.addEventListener("message", ({ data }) => {
            for (const one of framesIn(Buffer.from(data))) {
                if (one.type === frameType.call) this.#called(one.payload);
                else if (one.type === frameType.body) this.onBody?.(one.payload.subarray(8));
                else if (one.type === frameType.ping) this.send(frame(frameType.pong, one.payload));
                else frames.push(one);
            }
        });
        const next = (type) => until(() => {
            if (this.socket.readyState === WebSocket.CLOSED) return null;
            const at = frames.findIndex((f) => f.type === type);
            return at >= 0 && JSON.parse(frames.splice(at, 1)[0].payload.toString());
        }, `frame ${type}`, { ms: 10_000, every: 2 });
        await within(once(this.socket, "open"), "the link to open", 10_000);

        const nonce = randomBytes(32);
        const hello = forgeHello({ machine_id: this.machineId, kid: "k1", agent_nonce: base64url(nonce), proto: [1], version: "0.1.0", boot_id: "boot", link_counter: this.linkCounter, resume: { rx_seq: 0, tx_seq: 0, epoch: 0 }, log_id: "log", last_seq: 0, catalogue: "test", tools: this.tools, hostname: this.name, os: "Linux", arch: "x86_64" });
        this.send(jsonFrame(frameType.hello, hello));
        const challenge = await next(frameType.challenge);
        const text = signedText("codez-link-v1", [hello.machine_id, hello.kid, this.hubUrl, nonce, Buffer.from(challenge.hub_nonce, "base64url"), hello.boot_id, u64(hello.link_counter), [0], Buffer.alloc(32)]);
        this.send(jsonFrame(frameType.auth, { sig: base64url(forgeSignature(sign(null, text, this.key))) }));
        this.welcome = await next(frameType.welcome);
        this.linkCounter = this.welcome.link_counter;
        this.send(jsonFrame(frameType.sessions, { sessions, complete: true }));
    }

    #called(payload) {
        const id = Number(payload.readBigUInt64BE(0));
        const headerLength = payload.readUInt32BE(8);
        const header = JSON.parse(payload.subarray(12, 12 + headerLength).toString());
        this.calls.push({ id, header, args: payload.subarray(12 + headerLength).toString() });
        this.onCall?.(this.calls.at(-1));
    }

    /** One message of these frames. */
    send(...frames) {
        if (this.socket.readyState === WebSocket.OPEN) this.socket.send(Buffer.concat(frames));
    }

    close() {
        this.socket?.close();
    }
}

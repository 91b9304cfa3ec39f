// What must hold after the chaos.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { kindOf, markOf, settled } from "./work.mjs";

/** Every reader saw every durable event of the log from where it began, once and in order. */
export function checkReaders(followers, log) {
    const rows = log.events();
    for (const follower of followers.list) {
        const { session } = follower.reader;
        const seen = follower.events;
        assert.deepEqual(seen.filter((e) => e.type === "stream.gap"), [], `${follower.name}: a gap`);
        const from = seen[0]?.seq;
        const wanted = rows.filter((r) => r.seq >= from && (!session || r.session === session));
        assert.deepEqual(seen.map((e) => `${e.seq} ${e.type} ${e.ordinal}`), wanted.map((r) => `${r.seq} ${r.type} ${r.ordinal}`), follower.name);
    }
    const first = Math.min(...followers.all.map((f) => f.events[0].seq));
    assert.ok(followers.all.every((f) => f.events[0].seq === first), "the readers began at the same event");
    const ordinals = new Map();
    for (const { session, ordinal, seq } of rows) {
        assert.equal(ordinal, ordinals.get(session) ?? 0, `a hole in the log before ${seq}`);
        ordinals.set(session, ordinal + 1);
    }
    return rows.length;
}

/** Each prompt ended, was put to the model at most once, and says the truth about it. */
export function checkPrompts(log, asked, sessions) {
    const counts = { completed: 0, failed: 0, cancelled: 0, unknown: 0 };
    const ran = new Map(sessions.map((s) => [s.session, readLines(join(s.cwd, "ran.txt"))]));
    const answers = answersIn(log);
    for (const { uuid, session, text, state, outcome } of log.prompts()) {
        const mark = markOf(text);
        const what = `prompt ${mark} (${kindOf(text)}, ${uuid}): ${state} ${JSON.stringify(outcome)}, asked ${asked.of(mark)} times`;
        const times = asked.of(mark);
        const runs = ran.get(session).filter((line) => line === mark).length;
        assert.ok(settled.has(state), what);
        assert.ok(times <= 1, what);
        assert.ok((answers.get(mark) ?? 0) <= 1, `${what}: answered ${answers.get(mark)} times`);
        assert.ok(runs <= 1, `${what}: its command ran ${runs} times`);
        if (kindOf(text) === "denied") assert.equal(runs, 0, what);
        if (state === "unknown" || state === "cancelled") assert.equal(outcome.isError, true, what);
        if (!outcome.isError) {
            assert.equal(state, "completed", what);
            assert.equal(times, 1, what);
            assert.ok(outcome.text, what);
            if (!asked.merged.has(mark)) assert.equal(answers.get(mark), 1, what);
            if (!asked.merged.has(mark) && ["tool", "tools", "loop"].includes(kindOf(text))) assert.equal(runs, 1, what);
        } else assert.ok(outcome.error, what);
        // It was put to the model, so it had arrived.
        if (state === "unknown") assert.equal(times, 0, what);
        counts[state === "completed" && outcome.isError ? "failed" : state]++;
    }
    return counts;
}

/** How often each mark's answer was told. */
function answersIn(log) {
    const found = new Map();
    for (const { seq, type } of log.events()) {
        const mark = type === "message.part.completed" && /^Answer (chaos-\d+-\d+)\.$/.exec(log.body(seq).part.text)?.[1];
        if (mark) found.set(mark, (found.get(mark) ?? 0) + 1);
    }
    return found;
}

function readLines(file) {
    try {
        return readFileSync(file, "utf8").split("\n");
    } catch {
        return []; // nothing ran
    }
}

/** The turns of each session have an end, the tools of their messages too. */
export function checkTurns(log) {
    const open = new Map(); // part or request -> session
    const turns = new Map();
    for (const { seq, type, session } of log.events()) {
        if (type === "session.idle") turns.set(session, false);
        if (type === "message.created" && log.body(seq).message.role === "user" && !log.body(seq).message.parentToolUseId) turns.set(session, true);
        if (type === "message.part.updated") open.set(log.body(seq).part.id, session);
        if (type === "message.part.completed") open.delete(log.body(seq).part.id);
        if (type === "channel.permission_request") open.set(log.body(seq).request.requestId, session);
        if (type === "channel.permission_resolved") open.delete(log.body(seq).requestId);
    }
    assert.deepEqual([...open], [], "tools and permission requests without an end");
    assert.deepEqual([...turns].filter(([, running]) => running), [], "turns without an end");
    assert.deepEqual(log.pendingPermissions(), []);
}

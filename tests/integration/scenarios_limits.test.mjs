// Turns that a bound of the session ends, and answers in a form that was asked for: what the events, the call and the
// session say of them.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { script, startWorld } from "../support/harness.mjs";
import { checkWhole } from "../support/turns.mjs";

const answerForm = { type: "json_schema", schema: { type: "object", properties: { answer: { type: "string" } }, required: ["answer"] } };
const answered = (input) => ({ tool: { name: "StructuredOutput", input } });

test("what bounds a turn", async (t) => {
    const world = await startWorld(t);
    const client = world.client();
    const look = (name) => ({ text: "I look.", tool: { name: "Read", input: { file_path: join(world.machines[0].project(name), "none") } } });

    /** Sends it and checks that call, events and session agree: {value, end, errors}. */
    async function turn({ session, reader }, text) {
        const value = await client.call("send_and_wait", { session_id: session, text });
        const before = reader.events.length;
        const last = reader.events.at(-1)?.seq ?? 0;
        const end = await reader.until((e) => e.type === "session.idle" && e.seq > last, "the end of the turn");
        checkWhole(reader.events);
        const errors = reader.events.slice(before).filter((e) => e.type === "session.error");
        const tools = reader.events.filter((e) => e.part?.type === "tool_use").map((e) => e.part);
        for (const { id } of tools) assert.notEqual(tools.findLast((p) => p.id === id).state, "running", "no tool is left running");
        const { session: after } = await client.call("get_session", { session_id: session, limit: 0 });
        assert.equal(after.state, "idle");
        assert.deepEqual([value.done, value.ok], [true, !end.result.isError]);
        return { value, end, errors };
    }

    const begin = async (name, options) => {
        const { session, cursor } = await world.createSession(name, options);
        return { session, reader: world.reader({ session, cursor }) };
    };

    await world.test("max_turns: the error names it, and the session goes on", async () => {
        const session = await begin("turns", { max_turns: 1 });
        const { value, end, errors } = await turn(session, script(look("turns"), "Never said."));
        assert.deepEqual([end.result.isError, end.result.reason], [true, "max_turns"]);
        assert.deepEqual(errors.map((e) => e.code), ["max_turns"]);
        assert.match(value.error, /maximum number of steps/);
        const next = await turn(session, script("Within the bound."));
        assert.deepEqual([next.value.ok, next.value.text], [true, "Within the bound."]);
    });

    await world.test("max_budget_usd: the error names it, also that of the next prompt", async () => {
        const session = await begin("budget", { max_budget_usd: 0.0001 });
        for (const prompt of [script(look("budget"), "Never said."), script("Nor this.")]) {
            const { value, end, errors } = await turn(session, prompt);
            assert.deepEqual([end.result.isError, end.result.reason], [true, "budget_exhausted"]);
            assert.deepEqual(errors.map((e) => e.code), ["budget_exhausted"]);
            assert.match(value.error, /maximum cost/);
        }
    });

    await world.test("output_format: the answer is in the result, once it has the form", async () => {
        const session = await begin("form", { output_format: answerForm });
        const { value, end } = await turn(session, script(answered({ wrong: 1 }), answered({ answer: "yes" }), "Done."));
        assert.deepEqual(end.result.structuredOutput, { answer: "yes" });
        assert.deepEqual(value.result.structuredOutput, { answer: "yes" });
        const again = await turn(session, script(answered({ answer: "again" }), "Done."));
        assert.deepEqual(again.value.result.structuredOutput, { answer: "again" });
    });

    await world.test("output_format: a model that does not find the form ends the turn with an error that says so", async () => {
        const session = await begin("formless", { output_format: answerForm });
        const { value, end, errors } = await turn(session, script(...Array(8).fill(answered({ wrong: 1 }))));
        assert.deepEqual([end.result.isError, end.result.reason], [true, "structured_output_retry_exhausted"]);
        assert.deepEqual(errors.map((e) => e.code), ["structured_output_retry_exhausted"]);
        assert.match(value.error, /form that `output_format` asks for/);
        assert.equal(value.result?.structuredOutput, undefined);
    });
});

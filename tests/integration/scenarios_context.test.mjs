// What becomes of a conversation that is summarised: on demand, by itself, not at all.

import assert from "node:assert/strict";
import { test } from "node:test";

import { script, startWorld } from "../support/harness.mjs";
import { checkWhole, ended, runTurn } from "../support/turns.mjs";

const boundaryOf = (events) => events.find((e) => e.type === "message.created" && e.message.parts[0]?.subtype === "compact_boundary");

test("the context of a conversation", async (t) => {
    const world = await startWorld(t);
    const client = world.client();
    const requestsOf = (session) => world.api.log.filter((r) => r.session === session);

    /** The compaction is among the events as they come, as they are kept, and in the transcript: the same message each time. */
    async function checkTold(session, events, trigger) {
        checkWhole(events);
        const told = boundaryOf(events);
        assert.ok(told, JSON.stringify(events.map((e) => e.type)));
        assert.equal(told.message.role, "system");
        const { compactMetadata } = told.message.parts[0].data;
        assert.equal(compactMetadata.trigger, trigger);
        assert.ok(compactMetadata.preTokens > 0 && compactMetadata.postTokens > 0, JSON.stringify(compactMetadata));
        const kept = (await client.call("get_events", { session_id: session, limit: 500 })).events.find((e) => e.ordinal === told.ordinal);
        assert.deepEqual(kept.message, told.message);
        const message = (await client.call("get_session", { session_id: session })).messages.find((m) => m.id === told.message.id);
        assert.equal(message.parts[0].subtype, "compact_boundary");
        assert.equal(message.parts[0].data.compactMetadata.preTokens, compactMetadata.preTokens);
        return told;
    }

    await world.test("/compact is run, with its instructions, and the next turn goes on from the summary", async () => {
        const { session } = await world.createSession("compact");
        await runTurn(client, session, script("A first answer about quinces.", "The summary: quinces."));
        const { events, end } = await runTurn(client, session, "/compact keep the fruit @secret.txt");
        assert.deepEqual([end.type, end.result.isError], ["session.idle", false]);
        await checkTold(session, events, "manual");
        const asked = requestsOf(session).at(-1);
        assert.match(asked.prompt, /Additional Instructions:\s+keep the fruit @secret\.txt/);

        const next = await client.call("send_and_wait", { session_id: session, text: script("Going on.") });
        assert.deepEqual([next.ok, next.text], [true, "Going on."]);
        const conversation = requestsOf(session).at(-1);
        assert.match(conversation.prompt, /Going on/);
        assert.ok(conversation.answers <= 1, "the first answer is in the summary");
        assert.equal((await client.call("get_session", { session_id: session })).session.id, session);
    });

    await world.test("/compact to a session that does not run resumes it; where nothing was said there is nothing to do", async () => {
        const { session } = await world.createSession("resumed");
        const nothing = await client.call("send_and_wait", { session_id: session, text: "/compact" });
        assert.deepEqual([nothing.done, nothing.text], [true, "Error: No messages to compact"]);
        await runTurn(client, session, script("Something.", "The summary."));
        await client.call("dispose_session", { session_id: session });
        const { events } = await runTurn(client, session, "/compact");
        await checkTold(session, events, "manual");
    });

    await world.test("a full context is compacted by claude itself, in the middle of a turn's beginning", async () => {
        const { session } = await world.createSession("auto");
        await runTurn(client, session, script({ text: "A long story.", input_tokens: 190_000 }));
        await runTurn(client, session, script({ text: "It has filled the context.", input_tokens: 985_000 }));
        const { events, end } = await runTurn(client, session, script("After it."));
        assert.deepEqual([end.type, end.result.text], ["session.idle", "After it."]);
        const told = await checkTold(session, events, "auto");
        assert.ok(told.message.parts[0].data.compactMetadata.preTokens > 900_000);
        assert.equal(events.filter(ended).length, 1);
    });

    await world.test("/clear is refused and does nothing; other words with a slash are text for the model", async () => {
        const { session } = await world.createSession("clear");
        await runTurn(client, session, script("Before."));
        for (const tool of ["send_prompt", "send_and_wait"])
            await assert.rejects(client.call(tool, { session_id: session, text: "/clear" }), (e) => e.code === "invalid_argument" && /create_session/.test(e.envelope.hint), tool);
        const asked = requestsOf(session).length;
        const cost = await client.call("send_and_wait", { session_id: session, text: `/cost ${script("No command.")}` });
        assert.equal(cost.text, "No command.");
        assert.equal(requestsOf(session).length, asked + 1);
        assert.ok(requestsOf(session).at(-1).answers >= 1, "what was said before is still there");
    });
});

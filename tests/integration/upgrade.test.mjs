// The program is replaced under a running agent with a live session: the old agent goes on, the new one finds the session
// that the old program's holder keeps, in the middle of its turn, and new sessions get holders of the new program.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readlinkSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { codezProgram, script, startWorld, until } from "../support/harness.mjs";
import { bash, checkWhole, ended, textsOf } from "../support/turns.mjs";

/** As a package manager does: a new file takes the old one's name. */
function install(program) {
    copyFileSync(codezProgram, `${program}.new`);
    renameSync(`${program}.new`, program);
    return statSync(program).ino;
}

test("the program is replaced while a turn runs", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const client = world.client();
    const program = join(machine.dir, "bin/codez");
    mkdirSync(join(machine.dir, "bin"));
    const before = install(program);
    await machine.child.end();
    machine.program = program;
    await machine.start();
    await world.online(machine);

    const { session, cwd, cursor } = await world.createSession("upgraded");
    await client.call("send_prompt", { session_id: session, text: script(bash(`echo ran >> ${cwd}/ran.txt`, { blocks: 60, hold: "half" }), "At the end.") });
    await until(() => world.api.held.get("half") === 1, "the turn to be half done");
    const holder = machine.processesOf(session).holder.pid;
    assert.equal(statSync(`/proc/${holder}/exe`).ino, before);

    const after = install(program);
    assert.notEqual(after, before);
    const under = await world.createSession("under-the-old-agent"); // its holder is of the new program
    assert.equal(statSync(`/proc/${machine.processesOf(under.session).holder.pid}/exe`).ino, after);
    await machine.child.end();
    world.api.releaseHold("half"); // nobody is there to see it
    await machine.start();
    await world.online(machine);
    assert.equal(statSync(`/proc/${machine.child.pid}/exe`).ino, after);
    assert.match(readlinkSync(`/proc/${holder}/exe`), / \(deleted\)$/, "the old program's holder goes on");

    const reader = world.reader({ session, cursor });
    const asked = await reader.untilType("channel.permission_request");
    await client.call("respond_permission", { session_id: session, request_id: asked.request.requestId, behavior: "allow" });
    assert.equal((await reader.until(ended, "the end of the turn")).type, "session.idle");
    checkWhole(reader.events);
    const { messages } = await client.call("get_session", { session_id: session });
    assert.deepEqual(textsOf(messages).filter((b) => b.startsWith("block ")), Array.from({ length: 60 }, (_, i) => `block ${i}: the quick brown fox`));

    // The old holder takes what the new agent sends, and its end too.
    assert.equal((await client.call("send_and_wait", { session_id: session, text: script("And on.") })).text, "And on.");
    await client.call("dispose_session", { session_id: session });
    await until(() => machine.processesOf(session).all.length === 0, "the old holder to leave");
    const again = await client.call("send_and_wait", { session_id: session, text: script("By the new program.") });
    assert.deepEqual([again.text, again.via], ["By the new program.", "resume"]);
    assert.equal(statSync(`/proc/${machine.processesOf(session).holder.pid}/exe`).ino, after);
});

// What an agent costs that is linked and does nothing: its memory, and how often its threads wake (voluntary context
// switches of /proc/PID/task/*/status), without sessions, with one that is idle, and with one whose model takes its time.
//
//   node tools/bench-idle-agent.mjs SECONDS

import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

import { script, startWorld, until } from "../tests/support/harness.mjs";

const seconds = Number(process.argv[2] ?? 60);
const status = (file, name) => Number(readFileSync(file, "utf8").match(new RegExp(`^${name}:\\s+(\\d+)`, "m"))?.[1] ?? 0);

const wakeUps = (pid) => readdirSync(`/proc/${pid}/task`).reduce((sum, task) => sum + status(`/proc/${pid}/task/${task}/status`, "voluntary_ctxt_switches"), 0);

async function measure(what, pid) {
    await pause(3000); // what came before has ended
    const before = wakeUps(pid);
    await pause(seconds * 1000);
    const woken = wakeUps(pid) - before;
    const memory = status(`/proc/${pid}/status`, "VmRSS") / 1024;
    const own = status(`/proc/${pid}/status`, "RssAnon") / 1024;
    console.log(`| ${what} | ${memory.toFixed(1)} MiB (${own.toFixed(1)} MiB its own) | ${woken} in ${seconds} s |`);
}

const ends = [];
const world = await startWorld({ after: (end) => ends.push(end), test: () => {} });
try {
    const machine = world.machines[0];
    const client = world.client();
    console.log("| codez agent, linked | resident memory | wake-ups of all its threads |\n|---|---|---|");
    await measure("no session", machine.child.pid);
    const { session } = await world.createSession("idle");
    await client.call("send_and_wait", { session_id: session, text: script("Done.") });
    await measure("one live session, idle", machine.child.pid);
    await client.call("send_prompt", { session_id: session, text: script({ text: "Later.", hold: "model" }) });
    await until(() => world.api.held.get("model") === 1, "the model to think");
    await measure("one session whose model is thinking", machine.child.pid);
    world.api.releaseHold("model");
} finally {
    for (const end of ends) await end();
}

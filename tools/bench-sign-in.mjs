// What an attack on sign-in costs others: a person's sign-ins by password while nothing else happens, and while strangers try
// 10,000 wrong passwords, codes and keys from 10 addresses, 16 at a time. Both in one run, on one hub. The strangers are a
// process of their own at low priority: in life they are not on the hub's machine, and take nothing of its processors. Also
// how long a wrong password takes for an address with an account and for one without, in turns: the times must tell nobody
// which is which.
//
//   node tools/bench-sign-in.mjs

import { fork } from "node:child_process";
import { setPriority } from "node:os";

import { Browser } from "../tests/support/browser.mjs";
import { startWorld } from "../tests/support/harness.mjs";

const password = "correct horse battery";
const attempts = 10_000;
const addresses = 10;
const atOnce = 16;
const quietSignIns = 200;

const address = (i) => `198.51.100.${i % addresses}`;

// What the strangers' process does with the hub at this URL; how often each answer came.
async function attack(url) {
    const mcpUrl = `${url}/mcp`;
    const form = (path, fields, i) => fetch(url + path, { method: "POST", body: new URLSearchParams(fields), headers: { "X-Forwarded-For": address(i) } });
    const strangers = await Promise.all(
        Array.from({ length: addresses }, async (_, i) => {
            const browser = new Browser(url, { address: address(i) });
            return { browser, fields: (await browser.go("/sign-in")).forms[0].fields };
        }),
    );
    const wrong = {
        password: async (i) => {
            const { browser, fields } = strangers[i % addresses];
            return (await browser.request("/sign-in", { form: { ...fields, email: `u${i % 1000}@example.org`, password: "wrong horse battery" } })).status;
        },
        code: async (i) => (await form("/token", { grant_type: "authorization_code", client_id: "codez-mcp", code: `czc_${i}`, redirect_uri: "http://localhost:1/callback", code_verifier: "v".repeat(43) }, i)).status,
        key: async (i) => (await fetch(mcpUrl, { method: "POST", body: "{}", headers: { Authorization: `Bearer czk_${String(i).padStart(40, "a")}`, "X-Forwarded-For": address(i) } })).status,
    };
    const answered = {};
    const kinds = Object.keys(wrong);
    let next = 0;
    await Promise.all(
        Array.from({ length: atOnce }, async () => {
            while (next < attempts) {
                const i = next++;
                const kind = kinds[i % kinds.length];
                const status = await wrong[kind](i);
                answered[`${kind} ${status}`] = (answered[`${kind} ${status}`] ?? 0) + 1;
            }
        }),
    );
    return answered;
}

if (process.argv[2] === "strangers") {
    setPriority(10);
    const answered = await attack(process.argv[3]);
    await new Promise((sent) => process.send(answered, sent));
    process.exit();
}

const ends = [];
const world = await startWorld({ after: (end) => ends.push(end), test: () => {} }, { machines: 0, hub: () => ({ serveArgs: ["--trusted-proxy", "127.0.0.0/8"] }) });
const { hub } = world;

async function signIn() {
    const ada = new Browser(hub.url, { address: "192.0.2.1" });
    const page = await ada.go("/sign-in");
    const begun = performance.now();
    const answer = await ada.request("/sign-in", { form: { ...page.forms[0].fields, email: "ada@example.org", password } });
    if (answer.status !== 303) throw new Error(`the sign-in of the bench failed: ${answer.status}`);
    return performance.now() - begun;
}

function row(what, times, rest) {
    const sorted = times.toSorted((a, b) => a - b);
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
    console.log(`| ${what} | ${times.length} | ${at(0.5).toFixed(1)} ms | ${at(0.99).toFixed(1)} ms | ${rest} |`);
    return at(0.99);
}

try {
    const ada = new Browser(hub.url, { address: "192.0.2.1" });
    await ada.submit(await ada.go(hub.credentials.sign_in_link), { email: "ada@example.org", new_password: password, repeated_password: password });
    console.log("| | sign-ins | median | p99 | |\n|---|---|---|---|---|");
    for (let i = 0; i < 20; ++i) await signIn();
    const quiet = [];
    for (let i = 0; i < quietSignIns; ++i) quiet.push(await signIn());
    const before = row("nothing else happens", quiet, "");

    const times = { "ada@example.org": [], "nobody@example.org": [] };
    for (let i = 0; i < 4; ++i)
        for (const email of Object.keys(times).toSorted(() => (i % 2 ? 1 : -1))) {
            const stranger = new Browser(hub.url, { address: `203.0.113.${i * 2 + 1}` });
            const { fields } = (await stranger.go("/sign-in")).forms[0];
            const begun = performance.now();
            await stranger.request("/sign-in", { form: { ...fields, email, password: "wrong horse battery" } });
            times[email].push(performance.now() - begun);
            if (email === "ada@example.org") await signIn(); // begins the account's count anew
        }
    row("wrong password, an account's address", times["ada@example.org"], "");
    row("wrong password, nobody's address", times["nobody@example.org"], "");

    const strangers = fork(new URL(import.meta.url), ["strangers", hub.url]);
    let answered;
    strangers.on("message", (told) => (answered = told));
    const gone = new Promise((resolve) => strangers.on("exit", resolve));
    let isOver = false;
    gone.then(() => (isOver = true));
    const attacked = [];
    while (!isOver) attacked.push(await signIn());
    if (!answered) throw new Error("the strangers of the bench failed");
    const told = Object.entries(answered).toSorted().map(([name, count]) => `${name}: ${count}`).join(", ");
    const during = row("under attack", attacked, told);
    console.log(`\np99 under attack / quiet: ${(during / before).toFixed(2)}`);
} finally {
    for (const end of ends) await end();
}

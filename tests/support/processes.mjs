// Child processes of a test: started with a clean environment, ended by their ids, found by a mark if they got lost.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";

import { Fatal, until, within } from "./wait.mjs";

export class Child {
    /** Output goes to `log`, standard input is empty. */
    constructor(name, argv, { env, cwd, log }) {
        this.name = name;
        this.log = log;
        const fd = openSync(log, "a");
        this.process = spawn(argv[0], argv.slice(1), { env, cwd, stdio: ["ignore", fd, fd] });
        closeSync(fd);
        this.ended = once(this.process, "exit").catch((error) => [null, String(error)]);
        this.process.on("error", () => {});
    }

    get pid() {
        return this.process.pid;
    }

    get running() {
        return this.process.pid !== undefined && this.process.exitCode === null && this.process.signalCode === null;
    }

    /** [exit code, signal] */
    async end(signal = "SIGTERM", ms = 20_000) {
        if (this.running) this.process.kill(signal);
        try {
            return await within(this.ended, `the end of ${this.name} (pid ${this.pid}) after ${signal}`, ms);
        } catch (error) {
            this.process.kill("SIGKILL");
            throw error;
        }
    }

    /** What a program that is ready wrote into its port file. */
    ports(file) {
        return until(() => {
            if (!this.running) throw new Fatal(`${this.name} has ended: ${this.output().slice(-4000)}`);
            return existsSync(file) && JSON.parse(readFileSync(file, "utf8"));
        }, `${this.name} to be ready`);
    }

    output() {
        return readFileSync(this.log, "utf8");
    }
}

/** Runs a program to its end: {code, stdout, stderr}. */
export async function run(argv, { env, cwd, input = "", ms = 60_000 } = {}) {
    const child = spawn(argv[0], argv.slice(1), { env, cwd, stdio: "pipe" });
    const out = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"]) child[name].setEncoding("utf8").on("data", (piece) => (out[name] += piece));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    try {
        const [code, signal] = await within(once(child, "close"), `the end of ${argv.join(" ").slice(0, 200)}`, ms);
        return { code: code ?? signal, ...out };
    } catch (error) {
        child.kill("SIGKILL");
        error.message += `\n${out.stdout}\n${out.stderr}`;
        throw error;
    }
}

function read(path) {
    try {
        return readFileSync(path, "latin1");
    } catch {
        return ""; // it has ended in the meantime
    }
}

/** Whether a holder, whose environment is empty, has a file open under the directory. */
function holds(pid, directory) {
    try {
        return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith(directory));
    } catch {
        return false; // it has ended in the meantime
    }
}

/** All living processes of a directory (it is in their environment, or they are its holders): [{pid, ppid, command, environ}]. */
export function processesOf(directory) {
    const found = [];
    for (const pid of readdirSync("/proc")) {
        if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
        const environ = read(join("/proc", pid, "environ"));
        const command = read(join("/proc", pid, "cmdline")).replaceAll("\0", " ").trim();
        if (!environ.includes(directory) && !(command === "codez hold" && holds(pid, directory))) continue;
        const stat = read(join("/proc", pid, "stat"));
        const [state, ppid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        if (!state || state === "Z" || state === "X") continue;
        found.push({ pid: Number(pid), ppid: Number(ppid), command, environ });
    }
    return found;
}

export function kill(pid, signal = "SIGKILL") {
    try {
        process.kill(pid, signal);
    } catch (error) {
        if (error.code !== "ESRCH") throw error;
    }
}

export const alive = (pid) => /\) [^ZX] /.test(read(`/proc/${pid}/stat`));

export const untilGone = (pid, what) => until(() => !alive(pid), `the end of ${what} (pid ${pid})`);

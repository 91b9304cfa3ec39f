// A PostgreSQL server of a test's own, on a UNIX socket in a directory of its own. Ends with the test program.

import assert from "node:assert/strict";
import { chownSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Child, run } from "./processes.mjs";
import { Fatal, until } from "./wait.mjs";

// Debian keeps the server's programs out of PATH, one directory a version.
function binaries() {
    const top = "/usr/lib/postgresql";
    const found = (existsSync(top) ? readdirSync(top) : []).map((version) => join(top, version, "bin")).filter((bin) => existsSync(join(bin, "initdb")));
    assert.ok(found.length > 0, "This test needs a PostgreSQL server of its own, and there is none. Install the package postgresql.");
    return found.at(-1);
}

const env = { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" };
// initdb refuses to run as root.
const asServerUser = (argv) => (process.getuid() === 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig=QUIT", "--", ...argv] : argv);

export class Postgres {
    static async make() {
        const one = new Postgres();
        one.bin = binaries();
        one.directory = mkdtempSync(join(tmpdir(), "codez-pg-")); // short: a socket's path has 107 bytes
        one.log = join(tmpdir(), `${one.directory.split("/").at(-1)}.log`);
        if (process.getuid() === 0) {
            const account = readFileSync("/etc/passwd", "utf8").match(/^postgres:[^:]*:(\d+):(\d+):/m);
            assert.ok(account, 'There is no user "postgres". Install the package postgresql.');
            chownSync(one.directory, Number(account[1]), Number(account[2]));
        }
        const argv = asServerUser([join(one.bin, "initdb"), "-D", join(one.directory, "data"), "-U", "postgres", "-E", "UTF8", "--locale=C", "--auth=trust", "--no-sync", "--no-instructions"]);
        const { code, stdout, stderr } = await run(argv, { env, cwd: "/" });
        assert.equal(code, 0, `initdb: ${stdout}${stderr}`);
        return one;
    }

    get url() {
        return `postgresql://postgres@/postgres?host=${this.directory}`;
    }

    async start() {
        rmSync(this.log, { force: true });
        const argv = asServerUser([join(this.bin, "postgres"), "-D", join(this.directory, "data"), "-k", this.directory, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=40"]);
        this.child = new Child("PostgreSQL", argv, { env, cwd: "/", log: this.log });
        await until(() => {
            if (!this.child.running) throw new Fatal(`PostgreSQL has ended: ${this.child.output()}`);
            return this.child.output().includes("ready to accept connections");
        }, "PostgreSQL to be ready");
    }

    stop() {
        return this.child.end("SIGQUIT");
    }

    async remove() {
        if (this.child?.running) await this.stop();
        rmSync(this.directory, { recursive: true, force: true });
        rmSync(this.log, { force: true });
    }
}

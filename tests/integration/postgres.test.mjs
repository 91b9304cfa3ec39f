// The hub on PostgreSQL: the main job, restarts of either, and a database that is away for a while.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { script, startWorld, until } from "../support/harness.mjs";
import { Postgres } from "../support/postgres.mjs";

test("a hub on PostgreSQL", async (t) => {
    let server;
    const world = await startWorld(t, {
        hub: async (w) => {
            server = await Postgres.make();
            w.closers.push(() => server.remove());
            await server.start();
            // libpqxx 6.4.5 leaks one result when a connection breaks: see tests/common/db/private_postgres.cpp.
            writeFileSync(join(w.dir, "lsan"), "leak:libpqxx-6.4.so\n");
            process.env.LSAN_OPTIONS = `suppressions=${join(w.dir, "lsan")}:print_suppressions=0`;
            return { database: server.url };
        },
    });
    const [machine] = world.machines;
    const client = world.client();
    const ready = async () => (await fetch(`${world.hub.opsUrl}/readyz`)).status;
    const { session } = await world.createSession("elephant");

    await world.test("a session works", async () => {
        const answer = await client.call("send_and_wait", { session_id: session, text: script("It never forgets.") });
        assert.equal(answer.done, true, JSON.stringify(answer));
        assert.equal(await ready(), 200);
    });

    await world.test("the hub comes again and knows its machine", async () => {
        await world.hub.kill();
        await world.hub.start();
        await world.online(machine);
        const { session: found } = await client.call("get_session", { session_id: session });
        assert.equal(found.id, session);
    });

    await world.test("while the database is away clients are told to come again, and the link stays", async () => {
        await server.stop();
        assert.equal(await until(async () => (await ready()) === 503, "the hub to notice"), true);
        assert.equal((await fetch(`${world.hub.opsUrl}/healthz`)).status, 200);
        const { status, headers } = await world.client("czk_" + "a".repeat(40)).post({ jsonrpc: "2.0", id: 1, method: "tools/list" });
        assert.equal(status, 503);
        assert.ok(headers.get("retry-after"));
        await server.start();
        await until(async () => (await ready()) === 200, "the hub to find its database again");
        const { machine: now } = await client.call("get_machine");
        assert.equal(now.online, true);
        assert.equal(world.hub.child.output().split("machine linked").length - 1, 2, "once at each start of the hub");
        const answer = await client.call("send_and_wait", { session_id: session, text: script("Back.") });
        assert.equal(answer.done, true);
    });
});

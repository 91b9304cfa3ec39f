// The agent's own endpoint, http://127.0.0.1:4097/mcp: no hub, no credential, the same results.

import assert from "node:assert/strict";
import http from "node:http";
import { test } from "node:test";

import { McpClient, script, startWorld } from "../support/harness.mjs";
import { runTurn } from "../support/turns.mjs";

test("local equals remote", async (t) => {
    const world = await startWorld(t);
    const machine = world.machines[0];
    const remote = world.client();
    const local = new McpClient(machine.localUrl);
    const { session, cursor } = await world.createSession("both");
    await runTurn(remote, session, script({ thinking: "Hm.", text: "Said once." }));

    // The machine's tools; those of the fleet are the hub's.
    for (const [tool, args] of [
        ["get_session", { session_id: session }],
        ["list_sessions", {}],
        ["list_projects", {}],
        ["poll_events", { session_id: session, timeout_ms: 0 }],
        ["poll_events", { session_id: session, cursor, timeout_ms: 0 }],
        ["get_session", { session_id: "00000000-0000-4000-8000-000000000000" }],
        ["get_session", {}],
    ])
        await world.test(`${tool} ${JSON.stringify(args)}`, async () => {
            const [here, there] = [await local.callRaw(tool, args), await remote.callRaw(tool, args)];
            assert.equal(here.isError ?? false, there.isError ?? false);
            assert.deepEqual(comparable(here), comparable(there));
        });

    await world.test("a session made here is seen through the hub", async () => {
        const made = await local.call("create_session", { cwd: machine.project("local") });
        const value = await local.call("send_and_wait", { session_id: made.sessionId, text: script("Locally.") });
        assert.equal(value.done, true);
        const { sessions } = await remote.call("list_sessions");
        assert.ok(sessions.some((s) => s.id === made.sessionId));
    });

    await world.test("lists the same schemas for the tools that both have", async () => {
        const names = (list) => new Map(list.tools.map((tool) => [tool.name, tool]));
        const [here, there] = [names(await local.rpc("tools/list")), names(await remote.rpc("tools/list"))];
        assert.ok(here.size >= 10);
        for (const [name, tool] of here) assert.deepEqual(there.get(name), tool, name);
    });

    await world.test("a request that came through a proxy, or for another host, is refused", async () => {
        const body = { jsonrpc: "2.0", id: 1, method: "tools/list" };
        for (const headers of [{ "x-forwarded-for": "203.0.113.7" }, { forwarded: "for=203.0.113.7" }, { origin: "https://evil.example" }]) {
            const { status } = await local.post(body, { headers });
            assert.ok([401, 403].includes(status), `${JSON.stringify(headers)}: ${status}`);
        }
        // fetch does not let a caller name another Host
        const status = await new Promise((resolve, reject) => {
            const request = http.request(machine.localUrl, { method: "POST", headers: { host: "codez.example.com", "content-type": "application/json" } }, (r) => resolve(r.resume().statusCode));
            request.on("error", reject).end(JSON.stringify(body));
        });
        assert.ok([401, 403, 421].includes(status), `Host: ${status}`);
    });
});

/** Without what must differ: cursors are the reader's, request ids the call's, and the hub names the machine. */
function comparable(result) {
    if (result.isError) return JSON.parse(result.content[0].text).code; // the hub knows of more machines in its sentences
    const value = result.structuredContent;
    return JSON.parse(JSON.stringify(value, (key, v) => (["next_cursor", "cursor", "request_id", "machine", "machine_id", "as_of"].includes(key) ? undefined : v)));
}

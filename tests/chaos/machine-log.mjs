// The machine's own log, read beside the agent: what the readers' events and the prompts' ends are held against.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export class MachineLog {
    constructor(machine) {
        this.db = new DatabaseSync(join(machine.codezHome, "state/log.db"), { readOnly: true, timeout: 10_000 });
    }

    lastSeq(session) {
        const where = session ? "WHERE session_id = ?" : "";
        return this.db.prepare(`SELECT max(seq) AS seq FROM events ${where}`).get(...(session ? [session] : [])).seq ?? 0;
    }

    /** [{seq, type, session, ordinal}] */
    events() {
        return this.db.prepare("SELECT seq, type, session_id AS session, ordinal FROM events ORDER BY seq").all();
    }

    body(seq) {
        return JSON.parse(this.db.prepare("SELECT body FROM events WHERE seq = ?").get(seq).body);
    }

    /** [{uuid, session, text, state, outcome}] */
    prompts() {
        const rows = this.db.prepare("SELECT uuid, session_id AS session, text, state, outcome FROM prompts ORDER BY id").all();
        return rows.map((r) => ({ ...r, outcome: r.outcome ? JSON.parse(r.outcome) : null }));
    }

    stateOf(uuid) {
        return this.db.prepare("SELECT state FROM prompts WHERE uuid = ?").get(uuid)?.state;
    }

    pendingPermissions() {
        return this.db.prepare("SELECT session_id AS session, request_id AS request FROM permissions WHERE state = 'pending'").all();
    }

    close() {
        this.db.close();
    }
}

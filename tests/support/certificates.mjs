// A certificate authority of a test's own, and certificates of 127.0.0.1 by it.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { run } from "./processes.mjs";

async function openssl(...args) {
    const { code, stderr } = await run(["openssl", ...args], { env: { PATH: process.env.PATH } });
    assert.equal(code, 0, `openssl ${args.join(" ")}: ${stderr}`);
}

export class Authority {
    static async make(directory) {
        const one = new Authority();
        one.directory = directory;
        one.file = join(directory, "ca.pem");
        one.key = join(directory, "ca.key");
        await openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", one.key, "-out", one.file, "-days", "2", "-subj", "/CN=codez test authority", "-addext", "basicConstraints=critical,CA:TRUE");
        return one;
    }

    /** Writes NAME.pem and NAME.key: {cert, key}. */
    async issue(name) {
        const [cert, key, request, extensions] = ["pem", "key", "csr", "ext"].map((kind) => join(this.directory, `${name}.${kind}`));
        writeFileSync(extensions, "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
        await openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request, "-subj", `/CN=${name}`);
        await openssl("x509", "-req", "-in", request, "-CA", this.file, "-CAkey", this.key, "-CAcreateserial", "-out", cert, "-days", "2", "-extfile", extensions);
        return { cert, key };
    }
}

// A hub that clients get at by OAuth, behind a proxy that takes out of its answers what a cell of a matrix is without.

import { publishClientDocument } from "../support/client-document.mjs";
import { startWorld } from "../support/harness.mjs";
import { manyRegistrations } from "../support/oauth-client.mjs";
import { Person } from "../support/person.mjs";
import { startProxy } from "../support/proxy.mjs";

/**
 * {world, person, document, bend}: the owner, signed in; the document of a client; and bend(fields, change), from when on
 * answers lose these fields, and those of JSON are what change(path, body) gives.
 */
export async function startMatrix(t) {
    const lost = [];
    let edit;
    let port;
    const proxy = await startProxy(() => port, { without: lost, edit: (path, body) => (edit ? JSON.stringify(edit(path, JSON.parse(body))) : body) });
    t.after(() => proxy.close());
    let document;
    const world = await startWorld(t, {
        machines: 0,
        hub: async (starting) => {
            document = await publishClientDocument(starting.dir);
            starting.closers.push(document.close);
            return { publicUrl: `http://127.0.0.1:${proxy.port}`, serveArgs: [...document.serveArgs, ...manyRegistrations] };
        },
    });
    port = world.hub.port;
    const bend = (without = [], change = undefined) => {
        lost.splice(0, lost.length, ...without);
        edit = change;
    };
    return { world, document, bend, person: await Person.owner(world.hub) };
}


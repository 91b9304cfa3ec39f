// Ports that a program can be given again after it was killed.

import { once } from "node:events";
import net from "node:net";

/**
 * A port of 127.0.0.1 that nobody has. Below the range from which the kernel takes ports for outgoing connections: in it,
 * somebody who connects again and again to a server that is away may get that very port and connect to himself.
 */
export async function freePort() {
    for (let tries = 0; tries < 100; tries++) {
        const port = 20_000 + Math.floor(Math.random() * 12_000);
        const server = net.createServer();
        try {
            server.listen({ port, host: "127.0.0.1", exclusive: true });
            await once(server, "listening");
            return port;
        } catch (error) {
            if (error.code !== "EADDRINUSE") throw error;
        } finally {
            server.close();
        }
    }
    throw new Error("no free port of 127.0.0.1 in 100 tries");
}

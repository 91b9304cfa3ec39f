// Waiting for a condition, always with a deadline.

import { setTimeout as pause } from "node:timers/promises";

/** Thrown by a condition that can no longer come true. */
export class Fatal extends Error {}

/** Asks `condition` until it answers something truthy, and returns that. What else it throws counts as "not yet". */
export async function until(condition, what, { ms = 30_000, every = 25 } = {}) {
    const end = Date.now() + ms;
    let last = null;
    for (;;) {
        try {
            const value = await condition();
            if (value) return value;
            last = null;
        } catch (error) {
            if (error instanceof Fatal) throw error;
            last = error;
        }
        if (Date.now() > end) throw new Error(`waited ${ms} ms in vain for ${what}`, { cause: last });
        await pause(every);
    }
}

/** The promise's value, or an error that says what did not happen in time. */
export async function within(promise, what, ms = 30_000) {
    const stop = new AbortController();
    const late = pause(ms, undefined, { signal: stop.signal }).then(() => {
        throw new Error(`waited ${ms} ms in vain for ${what}`);
    });
    late.catch(() => {}); // when it lost the race, its end is nobody's news
    try {
        return await Promise.race([promise, late]);
    } finally {
        stop.abort();
    }
}

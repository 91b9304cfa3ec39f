// Scripts of the fake model: where they come from, which step is due, what a step may say.
// A script is a list of steps; a step is what the model answers to one request. See ../README.md for its fields.

const MARK = "SCRIPT<<";
const MAX_STEPS = 1000;

/** The text a person typed in a message: tool results are not prompts, so a script quoted in one never runs. */
export function promptText(message) {
    if (message?.role !== "user") return "";
    if (typeof message.content === "string") return message.content;
    if (!Array.isArray(message.content)) return "";
    return message.content.filter((b) => b?.type === "text").map((b) => b.text ?? "").join("\n");
}

/** The JSON array that begins at `start`, found by its brackets so that scripts may carry scripts in strings. */
function arrayAt(text, start) {
    let depth = 0;
    let inString = false;
    for (let i = start; i < text.length; i++) {
        const c = text[i];
        if (inString) {
            if (c === "\\") i++;
            else if (c === '"') inString = false;
        } else if (c === '"') inString = true;
        else if (c === "[" || c === "{") depth++;
        else if (c === "]" || c === "}") {
            depth--;
            if (depth === 0) return text.slice(start, i + 1);
        }
    }
    return null;
}

/** The steps of the newest SCRIPT<<[…]>> in a prompt; null without one. Throws on a script that cannot be read. */
export function inlineScript(text) {
    // The newest mark may sit inside the string of an outer script, so marks are walked from the front.
    let steps = null;
    for (let at = text.indexOf(MARK); at >= 0; ) {
        const json = arrayAt(text, at + MARK.length);
        if (json === null) throw new Error("the script in the prompt is not closed: it must be SCRIPT<<[ … ]>>");
        steps = checkSteps(JSON.parse(json));
        at = text.indexOf(MARK, at + MARK.length + json.length);
    }
    return steps;
}

export function checkSteps(steps) {
    if (!Array.isArray(steps) || steps.length === 0 || steps.length > MAX_STEPS)
        throw new Error(`a script is a list of 1 to ${MAX_STEPS} steps`);
    return steps.map((step) => (typeof step === "string" ? { text: step } : step));
}

/** `SCRIPT<<[…]>>` for a prompt. */
export const script = (...steps) => `${MARK}${JSON.stringify(steps)}>>`;

/**
 * What the model says to this conversation: the step of the newest prompt that has a script, inline or registered
 * (`{match, steps}`: the prompt contains `match`). The step is the number of answers given since that prompt.
 */
export function dueStep(messages, registered) {
    for (let i = messages.length - 1; i >= 0; i--) {
        const text = promptText(messages[i]);
        if (!text) continue;
        const steps = inlineScript(text) ?? registered.findLast((r) => text.includes(r.match))?.steps;
        if (!steps) continue;
        const index = messages.slice(i + 1).filter((m) => m.role === "assistant").length;
        // Answers past the end belong to later prompts that have no script of their own.
        return index < steps.length ? { step: steps[index], index } : { step: null, index };
    }
    return { step: null, index: 0 };
}

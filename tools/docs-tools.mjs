// Renders docs/tools.md from proto/tools/*.json, in the order of proto/CMakeLists.txt. `tools/dev docs` runs it.
//
//   node tools/docs-tools.mjs [--check]      --check: write nothing, fail if docs/tools.md is not what it would be

import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const top = resolve(fileURLToPath(import.meta.url), "../..");
const target = join(top, "docs/tools.md");

const list = /set\(CODEZ_TOOLS\s([^)]*)\)/.exec(readFileSync(join(top, "proto/CMakeLists.txt"), "utf8"))[1];
const tools = list.trim().split(/\s+/).map((name) => JSON.parse(readFileSync(join(top, "proto/tools", `${name}.json`), "utf8")));

const routes = {
    one: "goes to the machine named in `machine`, or to the only one there is",
    session: "goes to the machine that has the session",
    project: "goes to the machine named in `machine`, or to the only one there is",
    fan_out: "asks all machines, or the one named in `machine`",
    hub: "is answered by the hub; without a hub, by the agent for itself",
};

const cell = (text) => String(text).replaceAll("|", "\\|").replaceAll("\n", " ");

function range(schema) {
    const text = [];
    if (schema.enum) text.push(schema.enum.map((v) => `\`${v}\``).join(", "));
    if (schema.const !== undefined) text.push(`always \`${schema.const}\``);
    if (schema.minimum !== undefined) text.push(schema.maximum === undefined ? `at least ${schema.minimum}` : `${schema.minimum} to ${schema.maximum}`);
    if (schema.maxLength !== undefined) text.push(`at most ${schema.maxLength} characters`);
    if (schema.pattern) text.push(`matches \`${schema.pattern}\``);
    if (schema.default !== undefined) text.push(`default \`${schema.default}\``);
    return text.join("; ");
}

function parameters(tool) {
    const { properties, required = [] } = tool.inputSchema;
    if (Object.keys(properties).length === 0) return ["No parameters."];
    const rows = Object.entries(properties).map(([name, schema]) => {
        const must = required.includes(name) ? " **required**" : "";
        return `| \`${name}\` | ${schema.type}${must} | ${cell([schema.description, range(schema)].filter(Boolean).join("<br>"))} |`;
    });
    const either = (tool.anyRequired ?? []).map((group) => `\nAt least one of ${group.map((n) => `\`${n}\``).join(", ")} is required.`);
    return ["| parameter | type | |", "|---|---|---|", ...rows, ...either];
}

// The members of a result; what lies deeper is in the schema that tools/list gives.
function result(tool) {
    const { properties, required = [] } = tool.outputSchema;
    const rows = Object.entries(properties).map(([name, schema]) => {
        const always = required.includes(name) ? "" : " (optional)";
        return `| \`${name}\` | ${schema.type}${always} | ${cell([schema.description, range(schema)].filter(Boolean).join("<br>"))} |`;
    });
    return ["| result | type | |", "|---|---|---|", ...rows];
}

function section(tool) {
    const facts = [`Scope \`${tool.scope}\``, routes[tool.route]];
    if (tool.write) facts.push(tool.idempotent ? "acts, and acting twice does no more than once" : "acts");
    else facts.push("only reads");
    return [`## ${tool.name}`, "", tool.description, "", `${facts.join("; ")}.`, "", ...parameters(tool), "", ...result(tool), ""].join("\n");
}

const text = [
    "# The tools",
    "",
    "<!-- Made by `tools/dev docs` from proto/tools/*.json. Do not edit: change the declaration and run it again. -->",
    "",
    "What `tools/list` gives, the same on the hub's `/mcp` and on an agent's own endpoint. Parameters that are not listed are",
    "refused. Every result is `structuredContent` and the same as text. How sessions behave, and what errors mean, is in",
    "[sessions.md](sessions.md).",
    "",
    ...tools.map((tool) => `- [${tool.name}](#${tool.name}): ${tool.title}`),
    "",
    ...tools.map(section),
].join("\n");

if (process.argv.includes("--check")) {
    if (readFileSync(target, "utf8") !== text) {
        console.error("docs/tools.md is not what proto/tools/*.json say: run tools/dev docs.");
        process.exit(1);
    }
} else {
    writeFileSync(target, text);
}

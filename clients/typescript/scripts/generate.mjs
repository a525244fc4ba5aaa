// Writes src/types from the committed contracts in docs/. `--check` compares instead, and fails when they differ.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { compile } from "json-schema-to-typescript";
import openapiTypescript, { astToString } from "openapi-typescript";

const docs = new URL("../../../docs/", import.meta.url);
const types = new URL("../src/types/", import.meta.url);
const banner = (from) => `// Generated from docs/${from} by scripts/generate.mjs; do not edit.\n`;
const contract = async (name) => JSON.parse(await readFile(new URL(name, docs), "utf8"));

/** The wire has no null where a field is absent: an optional field is its type, or it is missing. */
function withoutNull(schema) {
  if (Array.isArray(schema)) return schema.map(withoutNull);
  if (typeof schema !== "object" || schema === null) return schema;
  // Words beside a reference would make the generator write the type once more, under another name.
  if (typeof schema.$ref === "string") return { $ref: schema.$ref };
  const out = {};
  if (typeof schema.description === "string" && Object.keys(schema).every((key) => key === "description" || key === "default")) {
    // Any JSON, which the generator would take for an object.
    out.tsType = "unknown";
  }
  for (const [key, value] of Object.entries(schema)) {
    if (key === "type" && Array.isArray(value)) {
      const left = value.filter((type) => type !== "null");
      out.type = left.length === 1 ? left[0] : left;
    } else if (key === "anyOf" && value.some((one) => one.type === "null")) {
      const left = value.filter((one) => one.type !== "null").map(withoutNull);
      if (left.length === 1 && left[0].$ref) return left[0];
      if (left.length === 1) Object.assign(out, left[0]);
      else out.anyOf = left;
    } else if (key === "default" && value === null) {
      continue;
    } else {
      out[key] = withoutNull(value);
    }
  }
  return out;
}

const pascal = (name) => name.replace(/(^|_)(.)/g, (_, __, letter) => letter.toUpperCase());

/** Readers get these fields always. */
const delivered = ["id", "type", "stream_id", "data", "timestamp", "seq", "cursor"];
const merged = { type: "integer", description: "How many consecutive deltas this one stands for; absent: one." };

/** One object: the envelope, with the type and the payload of one event. */
function member(envelope, type, data) {
  return {
    title: `${pascal(type)}Event`,
    type: "object",
    properties: { ...envelope, merged, type: { const: type }, data },
    required: delivered,
  };
}

/** The catalogue as a union by `type`, whether the schema says so itself or binds payloads by `if` and `then`. */
function union(schema) {
  const { $defs, allOf = [], oneOf, properties } = schema;
  const resolve = (one) => (one.$ref ? $defs[one.$ref.split("/").at(-1)] : one);
  const members = oneOf
    ? oneOf
        .map(resolve)
        .filter((one) => one.properties?.type?.const !== undefined)
        .map((one) => member({ ...properties, ...one.properties }, one.properties.type.const, one.properties.data))
    : allOf.map((one) => member(properties, one.if.properties.type.const, one.then.properties.data));
  // Payloads of two families may have one name: each is named by its event.
  const names = {};
  for (const one of members) {
    const name = one.data?.$ref ?? one.properties.data?.$ref;
    if (name) names[name.split("/").at(-1)] ??= `${one.title.replace(/Event$/, "")}Data`;
  }
  const rename = (value) =>
    JSON.parse(
      JSON.stringify(value).replace(/"#\/\$defs\/([^"]+)"/g, (all, name) =>
        names[name] ? `"#/$defs/${names[name]}"` : all,
      ),
    );
  const defs = Object.fromEntries(Object.entries($defs).map(([name, value]) => [names[name] ?? name, rename(value)]));
  for (const value of Object.values(defs)) delete value.title;
  return { title: "KnownEvent", $defs: defs, oneOf: rename(members) };
}

const options = {
  bannerComment: "",
  additionalProperties: false,
  unreachableDefinitions: false,
  style: { printWidth: 120 },
};

async function events() {
  const schema = union(withoutNull(await contract("events.schema.json")));
  return banner("events.schema.json") + (await compile(schema, "KnownEvent", options));
}

async function snapshot() {
  const schema = withoutNull(await contract("snapshot.schema.json"));
  schema.title = "Snapshot";
  // Written always, although a reader of an older snapshot may miss them.
  schema.required = [...new Set([...schema.required, "nodes", "turns", "turns_begun", "calls", "approvals", "questions"])];
  const { Execution, Node } = schema.$defs;
  Execution.required = [...new Set([...Execution.required, "external", "rounds"])];
  Node.required = [...new Set([...Node.required, "retries"])];
  schema.properties.nodes = { ...schema.properties.nodes, patternProperties: undefined, additionalProperties: { $ref: "#/$defs/Node" } };
  return banner("snapshot.schema.json") + (await compile(schema, "Snapshot", options));
}

async function openapi() {
  const ast = await openapiTypescript(new URL("openapi.json", docs), { alphabetize: true });
  return banner("openapi.json") + astToString(ast);
}

const outputs = { "events.ts": await events(), "snapshot.ts": await snapshot(), "openapi.ts": await openapi() };
let differ = false;
for (const [name, text] of Object.entries(outputs)) {
  const file = new URL(name, types);
  if (!process.argv.includes("--check")) {
    await writeFile(file, text);
  } else if ((await readFile(file, "utf8").catch(() => "")) !== text) {
    console.error(`${fileURLToPath(file)} differs from the contract in docs/: run npm run generate`);
    differ = true;
  }
}
process.exitCode = differ ? 1 : 0;

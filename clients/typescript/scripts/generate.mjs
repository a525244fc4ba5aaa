// Writes src/types from the committed contracts in docs/. `--check` compares instead, and fails when they differ.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { compile } from "json-schema-to-typescript";
import openapiTypescript, { astToString } from "openapi-typescript";

const docs = new URL("../../../docs/", import.meta.url);
const types = new URL("../src/types/", import.meta.url);
const banner = (from) => `// Generated from docs/${from} by scripts/generate.mjs; do not edit.\n`;
const contract = async (name) => JSON.parse(await readFile(new URL(name, docs), "utf8"));

/** The schema as the generator reads it best. */
function plain(schema) {
  if (Array.isArray(schema)) return schema.map(plain);
  if (typeof schema !== "object" || schema === null) return schema;
  // Words beside a reference would make the generator write the type once more, under another name.
  if (typeof schema.$ref === "string") return { $ref: schema.$ref };
  const out = {};
  if (typeof schema.description === "string" && Object.keys(schema).every((key) => key === "description" || key === "default")) {
    // Any JSON, which the generator would take for an object.
    out.tsType = "unknown";
  }
  for (const [key, value] of Object.entries(schema)) if (key !== "default" || value !== null) out[key] = plain(value);
  return out;
}

/** Readers get these fields always. */
const delivered = ["seq", "cursor"];

/** The union of events, as readers get them. */
function union(schema) {
  const $defs = { ...schema.$defs };
  const oneOf = schema.oneOf.map(({ $ref }) => {
    const title = $ref.split("/").at(-1);
    const { [title]: event } = $defs;
    delete $defs[title];
    return { title, ...event, required: [...event.required, ...delivered] };
  });
  return { title: "KnownEvent", $defs, oneOf };
}

const options = {
  bannerComment: "",
  additionalProperties: false,
  unreachableDefinitions: false,
  style: { printWidth: 120 },
};

async function events() {
  const schema = union(plain(await contract("events.schema.json")));
  return banner("events.schema.json") + (await compile(schema, "KnownEvent", options));
}

async function snapshot() {
  const schema = plain(await contract("snapshot.schema.json"));
  schema.title = "Snapshot";
  // Written always, although a reader of an older snapshot may miss them.
  schema.required = [...new Set([...schema.required, "nodes", "turns", "turns_begun", "calls", "approvals", "questions"])];
  const { Execution, Node } = schema.$defs;
  Execution.required = [...new Set([...Execution.required, "external", "rounds"])];
  Node.required = [...new Set([...Node.required, "retries"])];
  schema.properties.nodes = { ...schema.properties.nodes, patternProperties: undefined, additionalProperties: { $ref: "#/$defs/Node" } };
  return banner("snapshot.schema.json") + (await compile(schema, "Snapshot", options));
}

/** Messages in both directions, for those who use the WebSocket without the client. */
async function protocol() {
  const schema = plain(await contract("protocol.schema.json"));
  return banner("protocol.schema.json") + (await compile(schema, "ProtocolMessage", options));
}

async function openapi() {
  const ast = await openapiTypescript(new URL("openapi.json", docs), { alphabetize: true });
  return banner("openapi.json") + astToString(ast);
}

const outputs = {
  "events.ts": await events(),
  "snapshot.ts": await snapshot(),
  "protocol.ts": await protocol(),
  "openapi.ts": await openapi(),
};
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

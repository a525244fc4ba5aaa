// The committed contracts, by the parsers and generators of others: `node contracts.mjs DOCS OUT` prints one JSON line.
// JSON Schema: Ajv (meta-schema, strict mode). AsyncAPI: the parser of the AsyncAPI Initiative. Types: json-schema-to-typescript, into OUT.
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { compile } from "json-schema-to-typescript";

const require = createRequire(import.meta.url);
const Ajv = require("ajv/dist/2020.js").default;
const formats = require("ajv-formats").default;
const { Parser } = require("@asyncapi/parser");

const [docs, out] = process.argv.slice(2);
const read = async (name) => readFile(join(docs, name), "utf8");
const said = { schemas: {}, asyncapi: [] };

for (const name of ["events", "protocol", "snapshot", "definitions"]) {
  const schema = JSON.parse(await read(`${name}.schema.json`));
  // A keyword that is in no vocabulary is a fault, but for these. Widths of numbers are formats of schemars.
  const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false, allowUnionTypes: true });
  formats(ajv);
  for (const keyword of ["x-class", "discriminator"]) ajv.addKeyword(keyword);
  for (const format of ["uint", "uint8", "uint16", "uint32", "uint64", "int64", "float", "double"]) ajv.addFormat(format, true);
  try {
    ajv.compile(schema);
    said.schemas[name] = "valid";
  } catch (error) {
    said.schemas[name] = String(error.message);
  }
}

const { document, diagnostics } = await new Parser().parse(await read("asyncapi.json"));
// Severity 0 is an error, 1 a warning.
said.asyncapi = diagnostics.filter(({ severity }) => severity <= 1).map(({ message, path }) => `${path.join(".")}: ${message}`);
said.operations = document?.operations().all().length ?? 0;
said.messages = document?.messages().all().length ?? 0;

for (const name of ["events", "protocol"]) {
  const schema = JSON.parse(await read(`${name}.schema.json`));
  const options = { bannerComment: "", additionalProperties: false, unreachableDefinitions: true };
  await writeFile(join(out, `${name}.ts`), await compile(schema, name, options));
}
console.log(JSON.stringify(said));

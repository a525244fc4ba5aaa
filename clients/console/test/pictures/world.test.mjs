// The content of the pictures is what a gateway could send.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Validator } from "@cfworker/json-schema";
import { approvals, council, executions, logs, questions, sessions, session, stats, workers, gateways, dead } from "./world.mjs";

const read = (name) => JSON.parse(readFileSync(new URL(`../../../../docs/${name}`, import.meta.url), "utf8"));
const wrong = (schema, value) => new Validator(schema, "2020-12").validate(value).errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`).slice(-3);

describe("the world of the pictures", () => {
  it("has events as their schema says", () => {
    const { oneOf, ...schema } = read("events.schema.json");
    assert.ok(oneOf.length > 30);
    const found = new Map(Object.entries(schema.$defs).map(([name, { properties }]) => [properties?.type?.const, name]));
    for (const event of logs.flatMap(({ events }) => events)) {
      assert.deepEqual(wrong({ ...schema, $ref: `#/$defs/${found.get(event.type)}` }, event), [], JSON.stringify(event).slice(0, 300));
    }
    assert.ok(council.events.length > 20);
  });

  it("has lists, sessions and figures as the API says", () => {
    const { components } = read("openapi.json");
    const all = { ExecutionEntry: executions, ApprovalEntry: approvals, QuestionEntry: questions, SessionEntry: sessions, Session: [session], Statistics: [stats], WorkerReport: workers, GatewayReport: gateways, DeadLetter: dead };
    // Absent fields are absent, as they are in JSON.
    const plain = JSON.parse(JSON.stringify(all));
    for (const [name, entries] of Object.entries(plain)) {
      for (const entry of entries) assert.deepEqual(wrong({ components, $ref: `#/components/schemas/${name}` }, entry), [], `${name} ${JSON.stringify(entry).slice(0, 200)}`);
    }
  });
});

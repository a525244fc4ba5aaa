// Uses what two generators make of docs/openapi.json: the types of one, the functions of the other.
import type { components, operations } from "./types.js";
import { client } from "./sdk/client.gen.js";
import { cancelExecution, getExecution, listEvents, publishEvents, startExecution } from "./sdk/index.js";

type Schemas = components["schemas"];

// Fields with defaults may be left out, also where somebody writes the types by hand.
const start: Schemas["StartRequest"] = { definition: "council", execution_id: process.env.RUNBUS_ID! };
const draft: operations["publish_events"]["requestBody"] = {
  content: { "application/json": { events: [{ type: "custom", stream_id: "typed", data: { n: 1 } }] } },
};

function described(event: Schemas["Event"]): string {
  return [event.type, event.stream_id ?? "", event.cursor, String(event.seq)].join(" ");
}

function code(error: Schemas["Error"]): string {
  return error.error.code;
}

client.setConfig({ baseUrl: process.env.RUNBUS_URL! });
const started = await startExecution({ body: start, throwOnError: true });
const known = await getExecution({ path: { execution_id: started.data.execution_id }, throwOnError: true });
await publishEvents({ body: draft.content["application/json"], throwOnError: true });
const page = await listEvents({ query: { stream_id: "typed", order: "oldest", types: ["custom", "other"] }, throwOnError: true });
const cancelled = await cancelExecution({ path: { execution_id: started.data.execution_id }, body: {}, throwOnError: true });
const unknown = await getExecution({ path: { execution_id: "nobody" } });
console.log(
  JSON.stringify({
    created: started.data.created,
    status: known.data.status,
    events: page.data.events.map((event) => event.type),
    described: described(page.data.events[0]!).split(" ").length,
    cancelled: cancelled.data.cancel,
    unknown: code(unknown.error!),
  }),
);

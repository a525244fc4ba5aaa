// Follows one stream with an implementation of EventSource: eventsources.mjs IMPLEMENTATION URL. Prints every event as a line of JSON.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const [implementation, url] = process.argv.slice(2);
const say = (type, data, id) => console.log(JSON.stringify({ type, id, data: JSON.parse(data) }));
const TYPES = ["custom", "gap", "closed"];

/** Those with the interface of browsers. */
function listen(source) {
  for (const type of TYPES) source.addEventListener(type, (event) => say(type, event.data, event.lastEventId));
  source.addEventListener("message", (event) => say("message", event.data, event.lastEventId));
  source.addEventListener("open", () => console.log(JSON.stringify({ type: "open" })));
  return source;
}

const implementations = {
  undici() {
    const { EventSource } = require("undici");
    listen(new EventSource(url));
  },
  "launchdarkly-eventsource"() {
    const { EventSource } = require("launchdarkly-eventsource");
    listen(new EventSource(url, { initialRetryDelayMillis: 50, errorFilter: () => true }));
  },
  "event-source-polyfill"() {
    const { NativeEventSource, EventSourcePolyfill } = require("event-source-polyfill");
    listen(new (EventSourcePolyfill ?? NativeEventSource)(url));
  },
  async "eventsource-client"() {
    const { createEventSource } = await import("eventsource-client");
    createEventSource({
      url,
      onConnect: () => console.log(JSON.stringify({ type: "open" })),
      onMessage: ({ event, data, id }) => TYPES.concat(undefined).includes(event) && say(event ?? "message", data, id),
    });
  },
  async "@microsoft/fetch-event-source"() {
    // Made for pages: these are what it reads of one.
    globalThis.window = globalThis;
    globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
    const { fetchEventSource } = require("@microsoft/fetch-event-source");
    await fetchEventSource(url, {
      openWhenHidden: true,
      onopen: async () => console.log(JSON.stringify({ type: "open" })),
      onmessage: ({ event, data, id }) => {
        if (!data) console.log(JSON.stringify({ type: "empty" }));
        else if ([...TYPES, ""].includes(event)) say(event || "message", data, id);
      },
      // A stream that ends is no end of the subscription.
      onclose: () => {
        throw new Error("closed");
      },
      onerror: () => 50,
    });
  },
};

await implementations[implementation]();
process.stdin.resume().on("end", () => process.exit(0));

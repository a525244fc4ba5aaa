// Ten EventSources, as a program has them: prints each message, and at the end of its input the ones that are closed.
import { EventSource } from "eventsource";
import { createInterface } from "node:readline";

const url = process.argv[2];
const sources = Array.from({ length: 10 }, (_, number) => {
  const source = new EventSource(url);
  source.addEventListener("open", () => console.log(JSON.stringify({ number, open: true })));
  source.addEventListener("custom", ({ data, lastEventId }) =>
    console.log(JSON.stringify({ number, content: JSON.parse(data).data, id: lastEventId })),
  );
  return source;
});
createInterface({ input: process.stdin }).on("close", () => {
  console.log(JSON.stringify({ closed: sources.filter(({ readyState }) => readyState === EventSource.CLOSED).length }));
  sources.forEach((source) => source.close());
});

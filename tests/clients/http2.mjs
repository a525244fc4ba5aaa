// One HTTP/2 connection with more event streams than HTTP/1.1 lets a browser have, and a request beside them.
import { connect } from "node:http2";

const session = connect(process.argv[2], { rejectUnauthorized: false });
session.on("error", (error) => {
  console.error(error);
  process.exit(1);
});

function ask(headers, body) {
  return new Promise((resolve) => {
    const request = session.request(headers);
    let text = "";
    let status;
    request.on("response", (head) => {
      status = head[":status"];
      if (request.endAfterHeaders) resolve({ status, text });
    });
    request.setEncoding("utf8");
    request.on("data", (piece) => {
      text += piece;
      // The streams stay open.
      if (text.includes("event: subscribed")) resolve({ status, text, request });
    });
    request.on("end", () => resolve({ status, text }));
    request.end(body);
  });
}

const streams = await Promise.all(
  Array.from({ length: 12 }, () => ask({ ":path": "/v1/events/stream?stream_id=s", accept: "text/event-stream" })),
);
const event = JSON.stringify({ events: [{ type: "custom", stream_id: "s", data: { n: 1 } }] });
const heard = streams.map(
  ({ request }) =>
    new Promise((resolve) => request.on("data", (piece) => piece.includes("event: custom") && resolve(true))),
);
const published = await ask(
  { ":method": "POST", ":path": "/v1/events", "content-type": "application/json" },
  event,
);
await Promise.all(heard);
const stats = await ask({ ":path": "/v1/stats" });
const refused = await ask({ ":path": "/v1/stats", host: "evil.example" });
console.log(
  JSON.stringify({
    protocol: session.alpnProtocol,
    streams: streams.map(({ status }) => status),
    published: published.status,
    stats: stats.status,
    refused: refused.status,
  }),
);
session.destroy();

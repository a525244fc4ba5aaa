// The client beside a bare socket loop, and the time from a lost connection to the next event. `make bench-typescript`.
import { randomUUID } from "node:crypto";
import { connect } from "@runbus/client";
import { proxy } from "../test/support/proxy.mjs";
import { backends } from "../test/support/runbus.mjs";

const EVENTS = Number(process.env.CLIENT_BENCH_EVENTS ?? 40_000);
const ROUNDS = 5;
const LOSSES = 15;
const stream_id = randomUUID();

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const quiet = { onWarning: () => {} };

/** All events, by the fewest lines that a program could have: a socket, `JSON.parse`, a loop. */
function bareSocket(url) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace("http", "ws")}/v1/ws`, ["runbus.v1"]);
    let seen = 0;
    socket.onopen = () => socket.send(JSON.stringify({ type: "subscribe", id: "s", filter: { stream_id }, since: "all" }));
    socket.onerror = reject;
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type !== "events") return;
      for (const event of message.events) if (event.data.content) seen++;
      if (seen < EVENTS) return;
      socket.close();
      resolve();
    };
  });
}

/** The same of an event stream: `fetch`, split, `JSON.parse`. */
async function bareStream(url) {
  const abort = new AbortController();
  const { body } = await fetch(`${url}/v1/events/stream?stream_id=${stream_id}&since=all`, { signal: abort.signal });
  const decoder = new TextDecoder();
  let rest = "";
  let seen = 0;
  for await (const bytes of body) {
    const frames = (rest + decoder.decode(bytes, { stream: true })).split("\n\n");
    rest = frames.pop();
    for (const frame of frames) {
      const at = frame.indexOf("data: ");
      if (at >= 0 && JSON.parse(frame.slice(at + 6)).data?.content) seen++;
    }
    if (seen >= EVENTS) break;
  }
  abort.abort();
}

async function withClient(url, transport) {
  const client = connect({ url, transport, ...quiet });
  let seen = 0;
  for await (const item of client.subscribe({ stream_id }, { since: "all", coalesce: false })) {
    if (item.type === "llm_text_delta" && item.data.content && ++seen === EVENTS) break;
  }
  client.close();
}

async function rate(run) {
  const begun = performance.now();
  await run();
  return (EVENTS / (performance.now() - begun)) * 1000;
}

/** From the loss of the connection to the first event behind it, in milliseconds. */
async function reconnect(port, transport) {
  let lost = 0;
  const through = await proxy(port, {
    plan: () => ({ at: 4, how: "cut" }),
  });
  const client = connect({ url: through.url, transport, backoff: { minMs: 0 }, onWarning: () => (lost ||= performance.now()) });
  const times = [];
  for await (const _ of client.subscribe({ stream_id }, { since: "all", coalesce: false })) {
    if (lost) times.push(performance.now() - lost);
    lost = 0;
    if (times.length === LOSSES) break;
  }
  client.close();
  through.close();
  return times;
}

const runbus = await backends.embedded();
const [{ url, port }] = runbus.gateways;
const filling = connect({ url, ...quiet });
const content = "a few words of a model's answer ";
for (let n = 0; n < EVENTS; n += 1000) {
  const drafts = Array.from({ length: 1000 }, () => ({ type: "llm_text_delta", stream_id, node_id: "writer", data: { content } }));
  await filling.publish(drafts);
}
filling.close();

const pairs = {
  websocket: [() => bareSocket(url), () => withClient(url, "websocket")],
  sse: [() => bareStream(url), () => withClient(url, "sse")],
};
console.log(`\n## TypeScript client, Node ${process.versions.node}, ${EVENTS} events, medians of ${ROUNDS}\n`);
console.log("| figure | bare loop | client | ratio | target |\n|---|---|---|---|---|");
for (const [transport, [bare, own]] of Object.entries(pairs)) {
  const rates = { bare: [], own: [] };
  // Warm, then by turns.
  await bare();
  await own();
  for (let round = 0; round < ROUNDS; round++) {
    rates.bare.push(await rate(bare));
    rates.own.push(await rate(own));
  }
  const [base, figure] = [median(rates.bare), median(rates.own)];
  console.log(`| events/s received, ${transport} | ${base.toFixed(0)} | ${figure.toFixed(0)} | ${(figure / base).toFixed(2)} | at least 0.5 |`);
}
for (const transport of Object.keys(pairs)) {
  const times = await reconnect(port, transport);
  const most = Math.max(...times);
  console.log(`| reconnect to first event, ${transport}, ms (median, most of ${LOSSES}) | | ${median(times).toFixed(1)}, ${most.toFixed(1)} | | under 300 |`);
}
await runbus.stop();
process.exit(0);

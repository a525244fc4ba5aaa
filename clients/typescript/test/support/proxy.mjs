// A TCP proxy in front of one gateway that does to its connections what networks do: at a message that the test names.
import { connect, createServer } from "node:net";

/**
 * `plan(n)` says what happens to the n-th connection that carries a stream (1, 2, ...): `{ at, how }`, behind `at` messages of
 * the gateway: `cut` (both sides reset), `half` (the gateway's side ends), `middle` (cut within the next message), `mute`
 * (nothing more comes, and nobody says so). `delay` gives the wait before a message. `again` sends the last
 * events of a WebSocket once more on the next one. Requests with one answer pass, but for
 * `answers(n)`: `true` loses the n-th answer, behind the request.
 */
export async function proxy(port, { plan = () => undefined, delay, answers, inject, again } = {}) {
  const state = { streams: 0, requests: 0, connections: 0, received: 0, messages: 0, repeated: 0, open: new Set() };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    state.connections++;
    state.open.add(client);
    client.on("close", () => state.open.delete(client));
    const gateway = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    client.on("error", () => gateway.destroy());
    gateway.on("error", () => client.destroy());
    let count;
    let losing = false;
    client.on("data", (bytes) => {
      const head = bytes.toString("latin1", 0, 200);
      if (/^GET \S*(\/v1\/ws|\/stream)/.test(head)) {
        const n = ++state.streams;
        count = messages(state, client, gateway, head.includes("/ws") ? frames() : lines(), plan(n), delay, again ? repeat : inject);
      } else if (/^(GET|POST) /.test(head)) {
        count = undefined;
        losing = answers?.(++state.requests, head) ?? false;
      }
      gateway.write(bytes);
    });
    client.on("end", () => gateway.end());
    client.on("close", () => gateway.destroy());
    gateway.on("data", (bytes) => {
      state.received += bytes.length;
      if (losing) return client.resetAndDestroy();
      if (count) return count(bytes);
      if (!client.write(bytes)) {
        gateway.pause();
        client.once("drain", () => gateway.resume());
      }
    });
    gateway.on("end", () => (count ? count(undefined) : client.end()));
    gateway.on("close", () => client.destroySoon());
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  state.port = server.address().port;
  state.url = `http://127.0.0.1:${state.port}`;
  state.close = () => {
    for (const socket of state.open) socket.destroy();
    server.close();
  };
  return state;
}

/** Passes one connection's messages on, in order, and does what the plan says. */
function messages(state, client, gateway, split, action, delay, inject) {
  let passed = 0;
  let over = false;
  let queue = Promise.resolve();
  const one = (message) => {
    if (over || client.destroyed) return;
    if (message === undefined) return void client.end();
    if (action && passed >= action.at) {
      over = true;
      if (action.how === "mute") return;
      if (action.how === "half") return void client.end();
      if (action.how === "middle") client.write(message.subarray(0, Math.ceil(message.length / 2)));
      // Passed bytes arrive; then the connection breaks.
      return void client.end(() => {
        client.destroy();
        gateway.destroy();
      });
    }
    passed++;
    state.messages++;
    const more = inject?.(passed, message, state);
    if (more) client.write(more);
    if (!client.write(message)) {
      gateway.pause();
      client.once("drain", () => gateway.resume());
    }
  };
  return (bytes) => {
    const parts = bytes ? split(bytes) : [undefined];
    for (const part of parts) {
      const wait = part && delay?.();
      if (!wait && !delay) one(part);
      else queue = queue.then(() => new Promise((resolve) => setTimeout(resolve, wait ?? 0))).then(() => one(part));
    }
  };
}

/** Behind the answer, the greeting and `subscribed`: the last events of the connection before. */
function repeat(passed, message, state) {
  const { last } = state;
  if (message.includes('"type":"events"')) state.last = message;
  if (passed !== 4 || !last) return undefined;
  state.repeated++;
  return last;
}

/** Splits what a WebSocket server sends: the answer's head, then frames. */
function frames() {
  let rest = Buffer.alloc(0);
  let upgraded = false;
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    const whole = [];
    for (;;) {
      let length;
      if (!upgraded) {
        const end = rest.indexOf("\r\n\r\n");
        if (end < 0) break;
        length = end + 4;
        upgraded = true;
      } else {
        if (rest.length < 2) break;
        const short = rest[1] & 127;
        const head = short === 126 ? 4 : short === 127 ? 10 : 2;
        if (rest.length < head) break;
        length = head + (short === 126 ? rest.readUInt16BE(2) : short === 127 ? Number(rest.readBigUInt64BE(2)) : short);
      }
      if (rest.length < length) break;
      whole.push(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    return whole;
  };
}

/** Splits an event stream at the ends of its frames. */
function lines() {
  let rest = Buffer.alloc(0);
  let refused;
  return (bytes) => {
    // An answer that is no stream has no such frames.
    refused ??= !bytes.toString("latin1", 0, 12).endsWith(" 200");
    if (refused) return [bytes];
    rest = Buffer.concat([rest, bytes]);
    const whole = [];
    for (let end; (end = rest.indexOf("\n\n")) >= 0; rest = rest.subarray(end + 2)) whole.push(rest.subarray(0, end + 2));
    // An answer without its end waits for it, but for the end of the body.
    if (rest.includes("0\r\n\r\n")) whole.push(rest), (rest = Buffer.alloc(0));
    return whole;
  };
}

/** A text frame as a WebSocket server writes it. */
export function textFrame(text) {
  const body = Buffer.from(text);
  const head = body.length < 126 ? Buffer.from([0x81, body.length]) : Buffer.from([0x81, 126, body.length >> 8, body.length & 255]);
  return Buffer.concat([head, body]);
}

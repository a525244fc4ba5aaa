// A plain client of NATS: nats.mjs SERVER EVENT. Publishes the event twice; prints the acknowledgements, and the event as it comes live.
import { connect, headers } from "nats";

const [server, event] = process.argv.slice(2);
const client = await connect({ servers: server });
const live = client.subscribe("rb.live.ext.*.s.*.*", { max: 1 });
await client.flush();
const named = headers();
named.set("Nats-Msg-Id", JSON.parse(event).id);
const acknowledgements = [];
for (let time = 0; time < 2; time += 1) {
  const { stream, duplicate } = await client.jetstream().publish("rb.pub.s._._", event, { headers: named });
  acknowledgements.push({ stream, duplicate });
}
for await (const message of live) console.log(JSON.stringify({ acknowledgements, live: message.json() }));
await client.drain();

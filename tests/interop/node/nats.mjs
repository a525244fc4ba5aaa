// A plain client of NATS: nats.mjs SERVER EVENT [repeat]. Publishes the event, prints the acknowledgement, and the event as it comes live.
import { connect, headers } from "nats";

const [server, event, repeat] = process.argv.slice(2);
const client = await connect({ servers: server });
const live = client.subscribe("rb.live.ext.*.s.*.*", { max: 1 });
await client.flush();
const named = headers();
named.set("Nats-Msg-Id", JSON.parse(event).id);
const { stream, duplicate } = await client.jetstream().publish("rb.pub.s._._", event, { headers: named });
console.log(JSON.stringify({ stream, duplicate }));
if (!repeat) for await (const message of live) console.log(message.string());
await client.drain();

"""A plain client of NATS: nats_client.py SERVER EVENT. Publishes the event and prints it as it comes over the live subject."""

import asyncio
import json
import sys

import nats


async def main() -> None:
    client = await nats.connect(sys.argv[1])
    live = await client.subscribe("rb.live.ext.*.s.*.*")
    await client.flush()
    acknowledged = await client.jetstream().publish(
        "rb.pub.s._._", sys.argv[2].encode(), headers={"Nats-Msg-Id": json.loads(sys.argv[2])["id"]}
    )
    assert acknowledged.stream.startswith("RB_EV_"), acknowledged
    message = await live.next_msg(timeout=60)
    print(message.data.decode())
    await client.drain()


asyncio.run(main())

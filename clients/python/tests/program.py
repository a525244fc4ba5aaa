"""A program of the in-process bus, unchanged: it knows nothing of addresses, brokers or processes."""

import asyncio
import os
import sys

from runbus.bus import AgentEvent, EventBus, EventType

bus = EventBus(max_history=500, max_concurrent_handlers=4)
seen: list[str] = []


async def on_goal(event: AgentEvent) -> None:
    seen.append(f"{event.execution_id}:{event.data['progress']:g}")


async def on_custom(event: AgentEvent) -> None:
    if event.data.get("word") == "bye":
        seen.append(f"bye of {event.stream_id}")


bus.subscribe(event_types=[EventType.GOAL_PROGRESS], handler=on_goal)
bus.subscribe([EventType.CUSTOM], on_custom)


async def main(name: str, other: str, count: int) -> None:
    partner = asyncio.create_task(bus.wait_for(EventType.STREAM_STARTED, stream_id=other, timeout=60))
    while not partner.done():
        await bus.publish(AgentEvent(type=EventType.STREAM_STARTED, stream_id=name))
        await asyncio.sleep(0.1)
    await bus.publish(AgentEvent(type=EventType.STREAM_STARTED, stream_id=name))
    for n in range(count):
        await bus.publish(AgentEvent(type=EventType.GOAL_PROGRESS, stream_id=name, execution_id=name, data={"progress": n, "criteria_status": {}}))
    await bus.publish(AgentEvent(type=EventType.CUSTOM, stream_id=name, data={"word": "bye"}))
    while f"bye of {other}" not in seen or sum(one.startswith(f"{other}:") for one in seen) < count:
        await asyncio.sleep(0.02)
    print("\n".join(seen))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(os.environ.get("COUNT", "50"))))

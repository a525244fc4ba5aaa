"""Uses the client that a generator makes of docs/openapi.json."""

import json
import os
import sys

sys.path.insert(0, os.environ["RUNBUS_CLIENT"])

from runbus_gateway_client import Client  # noqa: E402
from runbus_gateway_client.api.events import list_events, publish_events  # noqa: E402
from runbus_gateway_client.api.executions import cancel_execution, get_execution, start_execution  # noqa: E402
from runbus_gateway_client.models import CancelRequest, EventDraft, PublishRequest, StartRequest  # noqa: E402

client = Client(base_url=os.environ["RUNBUS_URL"], raise_on_unexpected_status=True)
execution = os.environ["RUNBUS_ID"]
started = start_execution.sync(client=client, body=StartRequest(definition="council", execution_id=execution))
known = get_execution.sync(execution_id=execution, client=client)
draft = EventDraft.from_dict({"type": "custom", "stream_id": "typed in python", "data": {"n": 1}})
publish_events.sync(client=client, body=PublishRequest(events=[draft]))
page = list_events.sync(client=client, stream_id="typed in python", types=["custom", "other"])
cancelled = cancel_execution.sync(execution_id=execution, client=client, body=CancelRequest())
unknown = get_execution.sync(execution_id="nobody", client=client)
print(
    json.dumps(
        {
            "created": started.created,
            "status": str(known.status),
            "events": [event.to_dict()["type"] for event in page.events],
            "cancelled": str(cancelled.cancel),
            "unknown": unknown.error.code,
        }
    )
)

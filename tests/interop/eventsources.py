"""Follows one stream with a library of Python: eventsources.py LIBRARY URL COUNT. Prints every event as a line of JSON."""

import json
import sys

import httpx
import requests
from httpx_sse import connect_sse
from requests_sse import EventSource
from sseclient import SSEClient

library, url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])


def with_httpx_sse():
    with httpx.Client(timeout=None) as client, connect_sse(client, "GET", url) as source:
        for event in source.iter_sse():
            yield event.event, event.data, event.id


def with_sseclient_py():
    answer = requests.get(url, stream=True, headers={"accept": "text/event-stream"})
    for event in SSEClient(answer.iter_content(1)).events():
        yield event.event, event.data, event.id


def with_requests_sse():
    with EventSource(url) as source:
        for event in source:
            yield event.type, event.data, event.last_event_id


found = {"httpx-sse": with_httpx_sse, "sseclient-py": with_sseclient_py, "requests-sse": with_requests_sse}[library]()
for kind, data, position in found:
    if not data:
        print(json.dumps({"type": "empty"}), flush=True)
    elif kind not in ("subscribed", "caught_up"):
        print(json.dumps({"type": kind, "id": position, "data": json.loads(data)}), flush=True)
        count -= 1
        if count == 0:
            break

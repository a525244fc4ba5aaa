"""Knowledge of schemathesis about Runbus, beyond the document.

RUNBUS_KNOWN is a JSON object: `cursors`, and names of what is there by path parameter (`execution_id`, ...).
"""

import json
import os
import zlib
from urllib.parse import unquote

import requests
import schemathesis
from hypothesis import strategies as st

KNOWN = json.loads(os.environ.get("RUNBUS_KNOWN", "{}"))

# Streams end only when their execution does: what has come at once is looked at.
STREAM_BYTES = 64 * 1024
# Request heads that are larger, with some room for headers, may be refused before any endpoint sees them.
HEAD_BYTES = 30 * 1024
# Requests that wait for events would wait for nothing.
WAIT_MS = 5

schemathesis.openapi.format("runbus-cursor", st.sampled_from(KNOWN.get("cursors") or [""]))
schemathesis.openapi.format(
    "runbus-scope", st.sampled_from(["read", "read:orders-*", "read,start:a/b/c", "*:*/*/run-1", "cancel:%2F"])
)

# Rules without a schema; requests that are refused for these reasons alone were valid by the document.
UNSAYABLE = (
    # Lengths count bytes of UTF-8, JSON Schema counts characters.
    "bytes, the limit is",
    "to 256 bytes are needed",
    "must have 1 to 128 bytes",
    "a scope has at most",
    "must have at most 128 bytes",
    # One parameter depends on another.
    "needs wait_ms",
    "`cursor` gives it already; pass one of them",
    "new events come oldest first",
    "terminal needs an execution_id",
    "the path has it",
    "a snapshot is of one execution",
    "session ids do not begin with",
    "token_id, or subject with or without issued_before",
    "lies in the future",
    # It depends on what is there.
    "is none of ",
    "is no cursor of this execution",
    "is no cursor of this list",
    "is a cursor of another log",
    "come with an approval",
    "a session that has never run needs one",
    # It is no WebSocket's handshake.
    "Connection header did not include 'upgrade'",
    # Numbers that are whole, written as fractions or powers: valid by JSON Schema.
    "invalid type: floating point",
)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Objects in answers are closed: the fuzzer accepts no undocumented field."""
    for schema in raw_schema["components"]["schemas"].values():
        if schema.get("type") == "object" and "properties" in schema and not {"allOf", "anyOf", "oneOf"} & set(schema):
            schema.setdefault("additionalProperties", False)


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Every third valid name is one of something that is there."""
    for name, value in (path_parameters or {}).items():
        # Dead letters are a few of the executions.
        dead = "dead-letters" in context.operation.path
        known = KNOWN.get("dead_letter" if dead else name)
        # An invalid value may be quoted already.
        if known and isinstance(value, str) and 0 < len(value.encode("utf-8", "replace")) <= 128 and unquote(value).isprintable():
            number = zlib.crc32(value.encode("utf-8", "replace"))
            if number % 3 == 0:
                path_parameters[name] = known[number // 3 % len(known)]
    return path_parameters


@schemathesis.hook
def before_call(context, case, kwargs):
    """Waiting is for nothing here."""
    wait = (case.query or {}).get("wait_ms")
    if isinstance(wait, int) and not isinstance(wait, bool) and WAIT_MS < wait <= 60_000:
        case.query["wait_ms"] = WAIT_MS


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Whether a failed check is one."""
    # Below the document: no endpoint has seen the request.
    if response.status_code == 431:
        return len(response.request.url) < HEAD_BYTES
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    try:
        message = response.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        return True
    return not (response.status_code == 400 and any(reason in message for reason in UNSAYABLE))


_send = requests.adapters.HTTPAdapter.send


def send(self, request, stream=False, **options):
    """Reads what an event stream says at once, and hangs up."""
    response = _send(self, request, stream=True, **options)
    if response.headers.get("content-type", "").startswith("text/event-stream") and response.request.method != "HEAD":
        said = b""
        for piece in response.iter_content(chunk_size=None):
            said += piece
            if len(said) > STREAM_BYTES or b"\n\n" in said:
                break
        assert said.startswith(b"retry: "), said
        response._content, response._content_consumed = said, True
        response.close()
    elif not stream:
        response.content  # reads it
    return response


requests.adapters.HTTPAdapter.send = send

"""Uses the client that openapi-generator made: made_client.py FOLDER URL."""

import sys

sys.path.insert(0, sys.argv[1])

import made_client  # noqa: E402

client = made_client.ApiClient(made_client.Configuration(host=sys.argv[2]))
executions = made_client.ExecutionsApi(client)
events = made_client.EventsApi(client)
started = executions.start_execution(
    made_client.StartRequest.from_dict({"definition": "assistant", "execution_id": "made", "input": {"question": "time?"}})
)
assert started.created is True, started
assert executions.get_execution("made").execution_id == "made"
page = events.list_events(stream_id="assistant")
assert page.events, page
try:
    executions.get_execution("nobody")
except made_client.exceptions.NotFoundException as error:
    assert "not_found" in error.body
else:
    raise AssertionError("an unknown execution was found")

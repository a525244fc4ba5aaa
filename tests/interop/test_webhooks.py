"""Libraries that verify webhooks, on requests that a worker sends."""

from __future__ import annotations

import base64
import json
import pathlib

import pytest
import standardwebhooks.webhooks
import svix.webhooks

from receiver import Receiver, Request
from world import Runbus, World, node_folder

SECRET = "whsec_" + base64.b64encode(b"the secret of the tests, 32 byte").decode()
BEFORE = "whsec_" + base64.b64encode(b"the secret before, also 32 bytes").decode()
OTHER = "whsec_" + base64.b64encode(b"the secret of nobody else, 32 by").decode()


def sent(world: World, backend: str) -> list[Request]:
    """The requests of one execution, signed with two secrets."""
    receiver = Receiver(world)
    table = f'\n[webhooks.endpoints.tests]\nurl = "{receiver.url}/hook"\nsecret = "{SECRET}"\nprevious_secret = "{BEFORE}"\n'
    table += 'events = ["execution_started", "execution_completed"]\nsince = "all"\n'
    runbus = Runbus(world, backend, {"model.provider": "scripted"}, table)
    # A text beyond ASCII: the signature is over bytes.
    runbus.start("assistant", "run-1", "Grüße, 日本")
    return [receiver.next(), receiver.next()]


@pytest.mark.parametrize("library", [svix.webhooks, standardwebhooks.webhooks], ids=["svix", "standardwebhooks"])
def test_a_library_of_python_verifies_both_secrets_and_refuses_changes(world: World, backend: str, library) -> None:
    requests = sent(world, backend)
    assert [json.loads(request.body)["type"] for request in requests] == ["execution_started", "execution_completed"]
    for request in requests:
        for secret in [SECRET, BEFORE]:
            library.Webhook(secret).verify(request.body, request.headers)
        for secret, body in [(OTHER, request.body), (SECRET, request.body.replace(b"run-1", b"run-2"))]:
            with pytest.raises(library.WebhookVerificationError):
                library.Webhook(secret).verify(body, request.headers)


@pytest.mark.parametrize("library", ["svix", "standardwebhooks"])
def test_a_library_of_node_verifies_both_secrets_and_refuses_changes(world: World, library: str) -> None:
    requests = sent(world, "embedded")
    given = [{"headers": request.headers, "body": request.body.decode()} for request in requests]
    script: pathlib.Path = node_folder(world) / "webhooks.mjs"
    path = world.file("requests.json", json.dumps({"requests": given, "right": [SECRET, BEFORE], "wrong": OTHER}))
    said = json.loads(world.run(["node", script, library, path]).splitlines()[-1])
    assert said == [{"verified": ["run-1", "run-1"], "refused": 2}] * 2

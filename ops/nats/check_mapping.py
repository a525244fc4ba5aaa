"""Checks accounts.conf against a running server: plain publishers reach the shard that Runbus would choose, and nothing else.

Usage: check_mapping.py nats://admin:PASSWORD@HOST:PORT nats://publisher:PASSWORD@HOST:PORT SHARDS [REPLICAS]

Each user publishes to rb.pub.<stream>.<node>.<execution>, and the administrator reads from JetStream under which subject each
message was stored; the shard must be FNV-1a-32 of the execution's token, modulo the number of shards. Then the publisher has an
acknowledgement sent to a subject of Runbus's, where it must not arrive. Speaks the NATS text protocol itself, so that nothing needs to
be installed. Asks again what nobody answers: around elections that is normal. Leaves the server as it was.
"""

import json
import socket
import sys
import time

STREAM = "RB_CHECK_MAPPING"
# A subject of Runbus's that publishers must not reach.
OWN = "rb.se.0.check"
ANSWER_SECONDS = 2
GIVE_UP_SECONDS = 30
# No suitable peers for placement.
PEER_OFFLINE = 10005
# Tokens as Runbus writes them: plain ids, the placeholder for "none", percent-encoded dots, spaces and UTF-8.
EXECUTIONS = ["_", "a", "foobar", "run-1", "run%2E1", "%C3%A9t%C3%A9", "0198c0de-7a11-7000-8000-000000000001"]
EXECUTIONS += [f"execution-{n}" for n in range(200)]
OF_ADMIN = EXECUTIONS[:20]


def fnv1a(token):
    value = 0x811C9DC5
    for byte in token.encode():
        value = (value ^ byte) * 0x01000193 % 2**32
    return value


class Nats:
    """Requests and answers over one connection; one at a time."""

    def __init__(self, url):
        login, address = url.removeprefix("nats://").rsplit("@", 1)
        host, port = address.rsplit(":", 1)
        user, password = login.split(":", 1)
        self.inbox = f"_INBOX.check.{user}"
        self.socket = socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS)
        self.buffer = b""
        self.take_line()
        options = {"verbose": False, "headers": True, "no_responders": True, "user": user, "pass": password}
        self.socket.sendall(f"CONNECT {json.dumps(options)}\r\nSUB {self.inbox}.> 1\r\n".encode())
        self.asked = 0

    def receive(self):
        received = self.socket.recv(65536)
        if not received:
            sys.exit("mapping: the server closed the connection")
        self.buffer += received

    def take_line(self):
        while b"\r\n" not in self.buffer:
            self.receive()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def take(self, size):
        while len(self.buffer) < size:
            self.receive()
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def answer(self, inbox):
        """The answer on that inbox; None: nobody listens there yet."""
        while True:
            verb, *words = self.take_line().decode().split()
            if verb == "PING":
                self.socket.sendall(b"PONG\r\n")
            elif verb == "-ERR":
                sys.exit(f"mapping: {' '.join(words)}")
            elif verb in ("MSG", "HMSG"):
                payload = self.take(int(words[-1]) + 2)[:-2]
                if words[0] == inbox:
                    return json.loads(payload) if verb == "MSG" else None

    def send(self, subject, reply, body):
        self.socket.sendall(b"PUB %s %s %d\r\n%s\r\n" % (subject.encode(), reply.encode(), len(body), body))

    def request(self, subject, body, allowed=None):
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            self.asked += 1
            inbox = f"{self.inbox}.{self.asked}"
            self.send(subject, inbox, body)
            try:
                answer = self.answer(inbox)
            except TimeoutError:
                continue
            if answer is None:
                time.sleep(0.05)
            elif "error" not in answer or answer["error"]["code"] == allowed:
                return answer
            # 503: elected, but not ready yet.
            elif answer["error"]["code"] != 503:
                sys.exit(f"mapping: {subject}: {answer['error']}")
        sys.exit(f"mapping: no answer to {subject} in {GIVE_UP_SECONDS} s")

    def api(self, verb, body, allowed=None):
        return self.request(f"$JS.API.STREAM.{verb}.{STREAM}", json.dumps(body).encode(), allowed)


def publish(admin, publisher, execution, shards):
    """The shard that a message of an execution was stored in, which is the right one."""
    ack = publisher.request(f"rb.pub.s.n.{execution}", b"{}")
    stored = admin.api("MSG.GET", {"seq": ack["seq"]})["message"]["subject"]
    shard = fnv1a(execution) % shards
    wanted = f"rb.ext.{shard}.s.n.{execution}"
    if (ack["stream"], stored) != (STREAM, wanted):
        sys.exit(f"mapping: {execution} was stored in {ack['stream']} as {stored}, not as {wanted}")
    return shard


def misdirect(admin, publisher):
    """The publisher names a subject of Runbus's for its acknowledgement."""
    publisher.send("rb.pub.s.n.misdirected", OWN, b"{}")
    # This is acknowledged behind it.
    publisher.request("rb.pub.s.n.misdirected", b"{}")
    time.sleep(0.2)
    found = admin.api("MSG.GET", {"last_by_subj": OWN}, allowed=404)
    if "message" in found:
        sys.exit(f"mapping: an acknowledgement of the publisher's was stored as {OWN}")


def main():
    shards = int(sys.argv[3])
    replicas = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    admin, publisher = Nats(sys.argv[1]), Nats(sys.argv[2])
    # A server that already serves Runbus has streams on these subjects, and refuses: it is not for checking.
    stream = {"name": STREAM, "subjects": ["rb.ext.*.*.*.*", OWN], "storage": "memory", "num_replicas": replicas}
    created = admin.api("CREATE", stream, allowed=400)
    if created.get("error", {}).get("err_code") == PEER_OFFLINE and replicas > 1:
        # The cluster knows already that a server is away: the others carry the stream.
        created = admin.api("CREATE", {**stream, "num_replicas": replicas - 1})
    if "error" in created:
        sys.exit(f"mapping: creating {STREAM}: {created['error']}")
    try:
        used = {publish(admin, publisher, execution, shards) for execution in EXECUTIONS}
        for execution in OF_ADMIN:
            publish(admin, admin, execution, shards)
        misdirect(admin, publisher)
    finally:
        # Not found: an earlier, unanswered request did it.
        admin.api("DELETE", {}, allowed=404)
    if used != set(range(shards)):
        sys.exit(f"mapping: {len(EXECUTIONS)} executions reached only the shards {sorted(used)}")
    print(f"mapping: {len(EXECUTIONS)} plain publishes, each in its shard of {shards}")


main()

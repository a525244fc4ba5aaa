"""Checks the mapping of common.conf against a running server: plain publishers reach the shard that Runbus would choose.

Usage: check_mapping.py nats://HOST:PORT SHARDS

Publishes to rb.pub.<stream>.<node>.<execution> and reads from JetStream under which subject each message was stored; the shard
must be FNV-1a-32 of the execution's token, modulo the number of shards. Speaks the NATS text protocol itself, so that nothing
needs to be installed. Leaves the server as it was.
"""

import json
import socket
import sys

STREAM = "RB_CHECK_MAPPING"
# Tokens as Runbus writes them: plain ids, the placeholder for "none", percent-encoded dots, spaces and UTF-8.
EXECUTIONS = ["_", "a", "foobar", "run-1", "run%2E1", "%C3%A9t%C3%A9", "0198c0de-7a11-7000-8000-000000000001"]
EXECUTIONS += [f"execution-{n}" for n in range(200)]


def fnv1a(token):
    value = 0x811C9DC5
    for byte in token.encode():
        value = (value ^ byte) * 0x01000193 % 2**32
    return value


class Nats:
    """Requests and answers over one connection; one at a time."""

    def __init__(self, url):
        host, port = url.removeprefix("nats://").rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        self.socket.sendall(b'CONNECT {"verbose":false}\r\nSUB _INBOX.check.> 1\r\n')
        self.asked = 0

    def request(self, subject, body=b""):
        self.asked += 1
        inbox = f"_INBOX.check.{self.asked}"
        self.socket.sendall(b"PUB %s %s %d\r\n%s\r\n" % (subject.encode(), inbox.encode(), len(body), body))
        while True:
            words = self.file.readline().split()
            if not words:
                sys.exit("mapping: the server closed the connection")
            if words[0] == b"PING":
                self.socket.sendall(b"PONG\r\n")
            elif words[0] == b"-ERR":
                sys.exit(f"mapping: {b' '.join(words).decode()}")
            elif words[0] == b"MSG":
                payload = self.file.read(int(words[-1]) + 2)[:-2]
                if words[1].decode() == inbox:
                    answer = json.loads(payload)
                    if "error" in answer:
                        sys.exit(f"mapping: {subject}: {answer['error']}")
                    return answer

    def api(self, verb, body):
        return self.request(f"$JS.API.STREAM.{verb}.{STREAM}", json.dumps(body).encode())


def main():
    url, shards = sys.argv[1], int(sys.argv[2])
    nats = Nats(url)
    # The check's streams are its own: a server that already serves Runbus is not for checking.
    nats.api("CREATE", {"name": STREAM, "subjects": ["rb.ev.*.*.*.*"], "storage": "memory"})
    used = set()
    try:
        for execution in EXECUTIONS:
            ack = nats.request(f"rb.pub.s.n.{execution}", b"{}")
            stored = nats.api("MSG.GET", {"seq": ack["seq"]})["message"]["subject"]
            shard = fnv1a(execution) % shards
            used.add(shard)
            wanted = f"rb.ev.{shard}.s.n.{execution}"
            if (ack["stream"], stored) != (STREAM, wanted):
                sys.exit(f"mapping: {execution} was stored in {ack['stream']} as {stored}, not as {wanted}")
    finally:
        nats.api("DELETE", {})
    if used != set(range(shards)):
        sys.exit(f"mapping: {len(EXECUTIONS)} executions reached only the shards {sorted(used)}")
    print(f"mapping: {len(EXECUTIONS)} plain publishes, each in its shard of {shards}")


main()

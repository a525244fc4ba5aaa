"""NKeys and the JWTs of nats-server, with the signatures of the command `openssl`.

An NKey is an Ed25519 key in base32, with a letter for its kind and a checksum:
https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/nkey_auth
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import pathlib
import subprocess
import tempfile
import time

KINDS = {"operator": 14 << 3, "account": 0, "user": 20 << 3}
SEED = 18 << 3


def _text(payload: bytes) -> str:
    """base32 with the checksum (CRC-16/XMODEM, low byte first)."""
    checksum = binascii.crc_hqx(payload, 0).to_bytes(2, "little")
    return base64.b32encode(payload + checksum).decode().rstrip("=")


def _openssl(*arguments: str, given: bytes = b"") -> bytes:
    done = subprocess.run(["openssl", *arguments], input=given, capture_output=True)
    assert done.returncode == 0, f"openssl {arguments}: {done.stderr.decode()}"
    return done.stdout


class Key:
    """A key pair: `kind` is operator, account or user."""

    def __init__(self, kind: str) -> None:
        self._pem = _openssl("genpkey", "-algorithm", "ed25519")
        private = _openssl("pkey", "-outform", "DER", given=self._pem)[-32:]
        public = _openssl("pkey", "-pubout", "-outform", "DER", given=self._pem)[-32:]
        code = KINDS[kind]
        self.public = _text(bytes([code]) + public)
        self.seed = _text(bytes([SEED | code >> 5, (code & 31) << 3]) + private)

    def sign(self, text: bytes) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            key, given = pathlib.Path(folder, "key"), pathlib.Path(folder, "text")
            key.write_bytes(self._pem)
            given.write_bytes(text)
            return _openssl("pkeyutl", "-sign", "-rawin", "-inkey", str(key), "-in", str(given))


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def jwt(issuer: Key, subject: Key, name: str, nats: dict) -> str:
    """A JWT of nats-server, version 2."""
    claims = {"iat": int(time.time()), "iss": issuer.public, "name": name, "sub": subject.public, "nats": {**nats, "version": 2}}
    digest = hashlib.new("sha256", json.dumps(claims).encode()).digest()
    claims["jti"] = base64.b32encode(digest).decode().rstrip("=")
    head = _part(b'{"typ":"JWT","alg":"ed25519-nkey"}')
    signed = f"{head}.{_part(json.dumps(claims).encode())}"
    return f"{signed}.{_part(issuer.sign(signed.encode()))}"


def credentials(token: str, user: Key) -> str:
    """The text of a `.creds` file."""
    return (
        f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
    )

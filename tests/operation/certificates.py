"""An authority of a test and its certificates, made with the command `openssl`."""

from __future__ import annotations

import pathlib
import subprocess

CONFIG = """
[ca]
default_ca = this
[this]
database = {folder}/index
new_certs_dir = {folder}
serial = {folder}/serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[leaf]
basicConstraints = CA:FALSE
subjectAltName = {names}
extendedKeyUsage = serverAuth, clientAuth
"""
NAMES = "IP:127.0.0.1, DNS:localhost"


def openssl(*arguments: object) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, f"openssl {arguments}: {done.stderr}"


class Authority:
    """A certificate authority, in a folder of its own."""

    def __init__(self, folder: pathlib.Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.file = folder / "ca.pem"
        self._key = folder / "ca.key"
        (folder / "index").touch()
        (folder / "serial").write_text("01\n")
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self._key)
        openssl("req", "-x509", "-new", "-key", self._key, "-days", 2, "-subj", f"/CN={folder.name}", "-out", self.file)

    def certificate(self, name: str, *, expired: bool = False, names: str = NAMES) -> tuple[pathlib.Path, pathlib.Path]:
        """The files of a new certificate and its key. It serves servers and clients."""
        key, request, made = (self.folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        config = self.folder / f"{name}.cnf"
        config.write_text(CONFIG.format(folder=self.folder, names=names))
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", request)
        times = ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"] if expired else ["-days", 2]
        signer = ["-cert", self.file, "-keyfile", self._key, "-extensions", "leaf"]
        openssl("ca", "-batch", "-notext", "-config", config, *signer, *times, "-in", request, "-out", made)
        return made, key

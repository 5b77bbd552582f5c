"""A certificate authority of a test's own, made with the `openssl` program."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path


class Authority:
    """Signs server certificates; `bundle` is what clients are told to trust."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = directory / "authority.key"
        self.bundle = directory / "authority.pem"
        _openssl(
            "req", "-x509", *_NEW_KEY, "-subj", "/CN=Freehold tests", "-days", "2",
            "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", str(self._key), "-out", str(self.bundle),
        )  # fmt: skip

    def certificate(self, *names: str) -> Path:
        """A file with key and certificate for these host names."""
        both = self._directory / f"{names[0]}.pem"
        request, extensions = both.with_suffix(".csr"), both.with_suffix(".ext")
        extensions.write_text("subjectAltName=" + ",".join(f"DNS:{name}" for name in names))
        _openssl("req", *_NEW_KEY, "-subj", f"/CN={names[0]}", "-keyout", str(both), "-out", str(request))
        signed = _openssl(
            "x509", "-req", "-in", str(request), "-CA", str(self.bundle), "-CAkey", str(self._key), "-CAcreateserial",
            "-days", "2", "-extfile", str(extensions),
        )  # fmt: skip
        both.write_bytes(both.read_bytes() + signed)
        return both

    def server_context(self, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate(*names))
        return context

    def client_context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.bundle))


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _openssl(*arguments: str) -> bytes:
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout

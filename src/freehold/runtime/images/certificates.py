"""Certificate authorities of this host that Debian does not know: a company's own, usually.

Agents behind such an authority could reach nothing, so its certificates travel into the base image. They are public.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

BUNDLE_VARIABLES = (
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
)
"""What the programs of this host are told to trust instead of, or beside, the system's list."""

LOCAL_FOLDER = Path("/usr/local/share/ca-certificates")
DEBIAN_FOLDER = Path("/usr/share/ca-certificates/mozilla")

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\s*([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----")


def certificates(bundle: bytes) -> list[bytes]:
    """The certificates (DER) in a file of PEM blocks; what is no certificate is passed over."""
    found = []
    for match in _PEM.finditer(bundle):
        try:
            found.append(base64.b64decode(b"".join(match[1].split()), validate=True))
        except binascii.Error:
            continue
    return found


def extra(bundles: Iterable[bytes], known: Iterable[bytes]) -> dict[str, bytes]:
    """Files for `update-ca-certificates`, one PEM each: what `bundles` hold and `known` do not."""
    seen = {certificate for bundle in known for certificate in certificates(bundle)}
    found = {certificate for bundle in bundles for certificate in certificates(bundle)} - seen
    return {f"{hashlib.sha256(certificate).hexdigest()[:16]}.crt": _pem(certificate) for certificate in sorted(found)}


def of_this_host(environment: Mapping[str, str]) -> dict[str, bytes]:
    """As `extra`, for the bundles that this host's configuration names; unreadable files are passed over."""
    named = {environment[variable] for variable in BUNDLE_VARIABLES if environment.get(variable)}
    bundles = [*map(Path, sorted(named)), *sorted(LOCAL_FOLDER.rglob("*.crt"))]
    return extra(_contents(bundles), _contents(sorted(DEBIAN_FOLDER.glob("*.crt"))))


def _contents(paths: Iterable[Path]) -> Iterable[bytes]:
    for path in paths:
        try:
            yield path.read_bytes()
        except OSError:
            # A variable that names a missing file breaks the programs that read it; a build can do without.
            continue


def _pem(certificate: bytes) -> bytes:
    text = base64.encodebytes(certificate)
    return b"-----BEGIN CERTIFICATE-----\n" + text + b"-----END CERTIFICATE-----\n"

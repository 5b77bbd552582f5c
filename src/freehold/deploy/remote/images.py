"""On a server: which of Freehold's images Docker has there, and of which layers. It is asked by its socket."""

from __future__ import annotations

import base64
import binascii
import hashlib
import http.client
import json
import platform
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from freehold.deploy.remote.refused import Refused

LABEL = "dev.freehold.kind"
TIMEOUT_S = 60.0
OWN_AUTHORITIES = Path("/usr/local/share/ca-certificates")
KNOWN_AUTHORITIES = Path("/usr/share/ca-certificates/mozilla")
PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


def read(asked: dict[str, Any]) -> dict[str, Any]:
    """`asked` is `{docker}`, the path of its socket. Without Docker there are no images."""
    try:
        images = names(asked["docker"])
    except (OSError, http.client.HTTPException, ValueError):
        images = []
    return {"architecture": platform.machine(), "names": images, "authorities": authorities()}


def main(document: dict[str, Any]) -> Any:
    """Every layer there is, with those below it, as chain ids; and how images are kept."""
    path = document["docker"]
    try:
        about = ask(path, "/info")
        chains = set()
        for image in ask(path, "/images/json"):
            chains |= chain_ids(ask(path, f"/images/{quote(image['Id'])}/json").get("RootFS", {}).get("Layers") or [])
        return {"containerd": is_containerd(about), "chains": sorted(chains), "names": names(path)}
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Refused("unreachable", f"Docker does not answer at {path}: {error}", "systemctl status docker") from None


def names(path: str) -> list[str]:
    """Of all images that are Freehold's, or made from one that is."""
    filters = quote(json.dumps({"label": [LABEL]}))
    return sorted(name for image in ask(path, f"/images/json?filters={filters}") for name in image["RepoTags"] or [])


def is_containerd(about: dict[str, Any]) -> bool:
    """Whether containerd keeps the images, and not Docker itself."""
    return ["driver-type", "io.containerd.snapshotter.v1"] in (about.get("DriverStatus") or [])


def chain_ids(layers: list[str]) -> set[str]:
    """The image specification, "Layer ChainID": each layer's, which tells all below it as well."""
    chain, found = "", set()
    for layer in layers:
        chain = "sha256:" + hashlib.sha256(f"{chain} {layer}".encode()).hexdigest() if chain else layer
        found.add(chain)
    return found


def authorities() -> list[str]:
    """The server's own certificate authorities, as DER in base64: they are part of what a base image is made from."""
    own = certificates(OWN_AUTHORITIES)
    known = certificates(KNOWN_AUTHORITIES) if own else set()  # some hundred files
    return sorted(base64.b64encode(der).decode() for der in own - known)


def certificates(folder: Path) -> set[bytes]:
    found = set()
    for path in folder.rglob("*.crt"):
        try:
            for match in PEM.finditer(path.read_bytes()):
                found.add(base64.b64decode(b"".join(match[1].split()), validate=True))
        except (OSError, binascii.Error):
            continue
    return found


def ask(path: str, request: str, method: str = "GET", fine: tuple[int, ...] = (200,)) -> Any:
    """What Docker answers. Raises `ValueError` for an answer with a status that is not `fine`."""
    connection = http.client.HTTPConnection("docker", timeout=TIMEOUT_S)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(TIMEOUT_S)
    try:
        connection.sock.connect(path)
        connection.request(method, request)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status not in fine:
            raise ValueError(f"{request}: {answer.status} {body[:200].decode(errors='replace')}")
        return json.loads(body)
    finally:
        connection.close()

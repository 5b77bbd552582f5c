"""Keys and certificates of the edge: a key is made on the server, and only its signing request comes here."""

from __future__ import annotations

import msgspec

from freehold.base.hosts import normalise_host
from freehold.base.secret import Secret
from freehold.deploy.remote import program_text
from freehold.hosts.host import Host
from freehold.hosts.script import run_script
from freehold.server.layout import CERTIFICATES


class _Answer(msgspec.Struct, frozen=True):
    csr: str


async def request_certificate(
    host: Host, project: str, hostname: str, organisation: str, *, fresh_key: bool = False
) -> str:
    """A signing request (PEM) for `hostname`, on the project's key on the server, which is made when there is none;
    with `fresh_key` a new one. `project` is its `server_name`; `organisation` is put into the request
    (`Owner.name`, so that `owner_name_in` finds it). The key stays there, and what is served now goes on with its own.

    Raises FAILED when the server has no openssl, and what the host raises.
    """
    document = {
        "do": "request", "folder": CERTIFICATES, "project": project, "host": normalise_host(hostname),
        "organisation": organisation, "fresh": fresh_key,
    }  # fmt: skip
    answer = await run_script(host, "edge_key", program_text("edge_key"), document, _Answer, as_root=True)
    return answer.csr


async def place_certificate(host: Host, project: str, certificate_pem: str, key: Secret | None = None) -> None:
    """Lay a certificate, with its chain, where the edge takes it from: 0600, root's. Without `key` it is one on a
    request of `request_certificate`. The edge serves it from the next push on, or from `refresh_edge`.

    Look at it before with `certificate_problem` (`deploy/certificate.py`). Raises CREDENTIAL, and changes nothing, when
    it is not for the key.
    """
    document = {
        "do": "place", "folder": CERTIFICATES, "project": project, "certificate": certificate_pem,
        "key": key.reveal() if key else None,
    }  # fmt: skip
    await run_script(host, "edge_key", program_text("edge_key"), document, _Answer, as_root=True)

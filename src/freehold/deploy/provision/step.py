"""The steps on the way to a server, in the order in which they are done (pure).

Each may be done twice, and a step that is done is written into the environment's file before the next one begins: so
whoever was interrupted, at any moment, goes on with the same command.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class Step(StrEnum):
    """The words in `done` of `[provision]`: they are in files, and stay."""

    RECORD = "record"
    KEY = "key"
    FIREWALL = "firewall"
    SERVER = "server"
    ADDRESS = "address"
    LOGIN = "login"
    FIRST_BOOT = "first-boot"
    PREPARE = "prepare"
    CERTIFICATE = "certificate"
    SSL_MODE = "ssl-mode"
    DNS = "dns"

    @property
    def doing(self) -> str:
        """What is said while it is done."""
        return _DOING[self]


_DOING = {
    Step.RECORD: "writing the environment's file",
    Step.KEY: "seeing to the SSH key at the provider",
    Step.FIREWALL: "making the firewall",
    Step.SERVER: "making the server",
    Step.ADDRESS: "waiting until the server runs",
    Step.LOGIN: "waiting until SSH lets us in",
    Step.FIRST_BOOT: "waiting until Docker and Python are installed",
    Step.PREPARE: "preparing the server",
    Step.CERTIFICATE: "seeing to the certificate",
    Step.SSL_MODE: "seeing to it that Cloudflare checks the certificate",
    Step.DNS: "pointing the name at the server",
}

RENTED = (
    Step.RECORD, Step.KEY, Step.FIREWALL, Step.SERVER, Step.ADDRESS, Step.LOGIN, Step.FIRST_BOOT, Step.PREPARE
)  # fmt: skip
EXISTING = (Step.RECORD, Step.LOGIN, Step.PREPARE)
OWN_CERTIFICATE = (Step.CERTIFICATE,)
CLOUDFLARE = (Step.CERTIFICATE, Step.SSL_MODE, Step.DNS)
"""The name comes last: from then on people are led to the server, which can answer them by then."""


def steps_to_do(*, rented: bool, certificate: str, done: Sequence[str]) -> tuple[Step, ...]:
    """What is left, in order. `certificate` is `cloudflare`, `own`, or empty for a server without HTTPS."""
    web = {"cloudflare": CLOUDFLARE, "own": OWN_CERTIFICATE}.get(certificate, ())
    return tuple(step for step in (*(RENTED if rented else EXISTING), *web) if step not in done)

"""The way to a server in memory: a provider, Cloudflare and a server that are fakes, and somebody who may be killed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from freehold.base.clock import FakeClock
from freehold.base.secret import Secret
from freehold.deploy.provision.arrival import Arrival
from freehold.deploy.provision.https import CloudflareWeb
from freehold.deploy.provision.journey import Journey, Means
from freehold.deploy.provision.record import Record
from freehold.deploy.provision.renting import Renting
from freehold.deploy.provision.step import Step
from freehold.deploy.provision.wish import Wish
from freehold.hosts.fake_host import FakeHost
from freehold.hosts.host import Command, Host, Outcome
from freehold.hosts.target import Target
from freehold.project.environments import Environment
from freehold.project.host_key import HostKey
from freehold.providers.fake_dns import FakeDns
from freehold.providers.fake_provider import FakeProvider
from freehold.providers.origin_request import new_request
from freehold.providers.ownership import Owner
from freehold.store.environments import Environments
from tests.support.cloud_worlds import KEY

OWNER = Owner("abcd1234", "prod")
HOST_KEY = HostKey.parse(KEY)
READY = "marked=yes\nboot=done\ndocker=20.10\npython=True\nlast=\n"
WISH = Wish(
    "fake", "small", "north", "1", "debian 12", "vps_ssh:default", price="4.51 EUR a month", hostname="app.example.com",
    zone_id="zone1", project="shop", certificate="cloudflare", ssl_mode="host-rule",
)  # fmt: skip


class Killed(BaseException):
    """As SIGKILL: nothing handles it."""


@dataclass
class Teller:
    """`Progress`. Dies when a step begins, or when it is done and not written down yet."""

    dies_at: Step | None = None
    when: str = "begins"
    told: list[str] = field(default_factory=list)

    def begins(self, step: Step) -> None:
        self._perhaps_die(step, "begins")

    def ends(self, step: Step) -> None:
        self._perhaps_die(step, "ends")

    def says(self, text: str) -> None:
        self.told.append(text)

    def _perhaps_die(self, step: Step, when: str) -> None:
        self.told.append(f"{when} {step}")
        if (step, when) == (self.dies_at, self.when):
            raise Killed


@dataclass
class World:
    """What lasts while processes come and go."""

    home: Path
    provider: FakeProvider = field(default_factory=FakeProvider)
    dns: FakeDns = field(default_factory=FakeDns)
    clock: FakeClock = field(default_factory=FakeClock)
    host: FakeHost = field(default_factory=FakeHost)
    seen: str = READY
    """What the first boot says of itself."""
    served: dict[str, str] = field(default_factory=dict)
    """Certificates on the server."""
    visible: bool = True
    refusals: list[Exception] = field(default_factory=list)
    """Of logins, in turn."""
    targets: list[Target] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.host.replies[("sh", "-s")] = self._look
        self.host.scripts |= {"edge_key": self._edge_key, "edge": self._edge}

    @property
    def record(self) -> Record:
        return Record(Environments(self.home), "prod")

    @property
    def environment(self) -> Environment:
        return Environments(self.home).read("prod")

    def journey(self, teller: Teller | None = None, *, within_s: float = 600, accepts: bool = True) -> Journey:
        """One process that goes the way, from wherever it was left."""
        told = teller or Teller()
        means = Means(
            arrival=Arrival(self._log_in, lambda _: accepts, self.clock),
            target_of=lambda environment: Target(
                environment.server.host if environment.server else "", "prod", pin=environment.pin
            ),
            progress=told,
            clock=self.clock,
            within_s=within_s,
            renting=Renting(self.provider, self.record, KEY, told, self.clock),
            web=CloudflareWeb(self.dns, self.record, told, self.clock, self._lookup),
        )
        return Journey(self.record, means)

    async def _log_in(self, target: Target) -> tuple[Host, HostKey]:
        self.targets.append(target)
        if self.refusals:
            raise self.refusals.pop(0)
        self.host.closed = False
        return self.host, HOST_KEY

    async def _lookup(self, name: str) -> tuple[str, ...]:
        return ("198.51.100.7",) if self.visible else ()

    def _look(self, _: Command) -> Outcome:
        return Outcome(0, self.seen.encode())

    def _edge_key(self, document: dict[str, Any]) -> dict[str, str]:
        if document["do"] == "request":
            return {"csr": new_request(document["host"], OWNER).csr_pem}
        self.served[document["project"]] = document["certificate"]
        return {"csr": ""}

    def _edge(self, document: dict[str, Any]) -> dict[str, Any]:
        if "seen" in document:
            self.served.pop(document["project"], None)
            return {"stale": False}
        return {"certificates": {name: {"pem": pem, "closed": True} for name, pem in self.served.items()}}


TOKEN = Secret("a-token-of-tests")

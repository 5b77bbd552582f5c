"""HTTPS for an environment's name: a certificate on the server, Cloudflare in front of it, or one's own certificate."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.deploy.certificate import SOON_DAYS, Certificate, certificate_problem, require_pair
from freehold.deploy.edge_part import ask_edge, refresh_edge
from freehold.deploy.origin_key import place_certificate, request_certificate
from freehold.deploy.provision.progress import Progress
from freehold.deploy.provision.record import Changes, Record
from freehold.hosts.host import Host
from freehold.providers.address import address_or_none
from freehold.providers.dns import Dns, SslMode
from freehold.providers.leftover import Leftover, LeftoverKind
from freehold.providers.ownership import Owner
from freehold.providers.record_plan import plan_records

Lookup = Callable[[str], Awaitable[tuple[str, ...]]]
"""The addresses of a name, as this machine sees them; none when there are none (yet)."""

VISIBLE_WITHIN_S = 60.0
"""A new name is there within seconds; one that was asked for before it was made may be missing for half an hour, which
is how long resolvers remember that there was none (the zone's SOA says 1800 s at Cloudflare)."""
LOOK_EVERY_S = 5.0
_LARGEST_FILE = 1024 * 1024
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----")


@dataclass(frozen=True)
class CloudflareWeb:
    """`Web` with Cloudflare in front of the server. `replace`: others' records of the name may be changed."""

    dns_api: Dns
    record: Record
    progress: Progress
    clock: Clock
    lookup: Lookup
    replace: bool = False
    visible_within_s: float = VISIBLE_WITHIN_S

    async def certificate(self, host: Host) -> Changes:
        """One that was made before and still fits is kept. The key is made on the server, and never leaves it."""
        provision, owner = self.record.provision, self.record.owner
        listed = await self._certificates()
        if provision.certificate_id in listed and await self._still_fits(host):
            self.progress.says("the server has a certificate that fits")
            made = provision.certificate_id
        else:
            hostname = self.record.server.hostname
            csr = await request_certificate(host, provision.project, hostname, owner.name)
            certificate = await self.dns_api.certify(hostname, csr)
            await place_certificate(host, provision.project, certificate.certificate_pem)
            made = certificate.id
            await refresh_edge(host)
        # Of a run that was cut off between the two: nothing serves them.
        for leftover in (await self._certificates()).values():
            if leftover.id != made:
                await self.dns_api.remove(self._zone_id, leftover)
        return Changes(provision={"certificateId": made})

    async def ssl_mode(self) -> Changes:
        server, wanted = self.record.server, self.record.provision.ssl_mode
        if wanted == "zone":
            await self.dns_api.set_ssl_mode(self._zone_id, SslMode.STRICT)
        elif wanted == "host-rule":
            await self.dns_api.require_strict(self._zone_id, server.hostname, self.record.owner)
        return Changes()

    async def dns(self) -> Changes:
        hostname = self.record.server.hostname
        addresses = await addresses_of(self.record.server.host, self.lookup)
        records = await self.dns_api.point(self._zone_id, hostname, addresses, self.record.owner, replace=self.replace)
        await self._wait_until_visible(hostname)
        known: dict[str, object] = {"proxyNetworks": list(await self.dns_api.proxy_networks())}
        if records:
            known["cloudflareDnsRecordId"] = records[0].id
        return Changes(known, gateway={"url": f"https://{hostname}"})

    async def _wait_until_visible(self, hostname: str) -> None:
        """That it is not is no failure: it is said, and `env check` looks again."""
        networks = [ipaddress.ip_network(one) for one in await self.dns_api.proxy_networks()]
        deadline = self.clock.monotonic() + self.visible_within_s
        told = False
        while True:
            found = [ipaddress.ip_address(one) for one in await self.lookup(hostname)]
            if any(one in network for one in found for network in networks if one.version == network.version):
                return
            if self.clock.monotonic() >= deadline:
                self.progress.says(
                    f"{hostname} does not lead to Cloudflare yet, as seen from here; that takes up to half an hour: "
                    f"freehold env check {self.record.name} looks again"
                )
                return
            if not told:
                told = True
                self.progress.says(f"waiting until {hostname} is seen from here, {self.visible_within_s:.0f} s at most")
            await self.clock.sleep(LOOK_EVERY_S)

    async def _still_fits(self, host: Host) -> bool:
        provision, hostname = self.record.provision, self.record.server.hostname
        served = (await ask_edge(host)).certificates.get(provision.project)
        if served is None:
            return False
        now = dt.datetime.now(dt.UTC)
        found = Certificate.read(served.pem)
        return not certificate_problem(found, (hostname,), now) and found.days_left(now) >= SOON_DAYS

    async def _certificates(self) -> dict[str, Leftover]:
        found = await self.dns_api.leftovers(self._zone_id, self.record.owner)
        return {one.id: one for one in found if one.kind is LeftoverKind.CERTIFICATE}

    @property
    def _zone_id(self) -> str:
        return str(dict(self.record.server.ids).get("cloudflareZoneId", ""))


@dataclass(frozen=True)
class OwnWeb:
    """`Web` with a certificate of one's own. Where the name leads to is its owner's affair."""

    record: Record

    async def certificate(self, host: Host) -> Changes:
        provision, hostname = self.record.provision, self.record.server.hostname
        pem, key = read_pair(Path(provision.certificate_file), Path(provision.certificate_key_file), hostname)
        await place_certificate(host, provision.project, pem, key)
        await refresh_edge(host)
        return Changes(gateway={"url": f"https://{hostname}"})

    async def ssl_mode(self) -> Changes:
        return Changes()

    async def dns(self) -> Changes:
        return Changes()


def read_pair(certificate: Path, key: Path, hostname: str) -> tuple[str, Secret]:
    """A certificate with its chain, and its key, from files (or one that holds both), which fit together and are for
    the name. Raises USAGE, CREDENTIAL."""
    pem = "".join(block for kind, block in _blocks(_text(certificate)) if kind == "CERTIFICATE")
    private = Secret("".join([block for kind, block in _blocks(_text(key)) if kind.endswith("PRIVATE KEY")][:1]))
    require_pair(pem, private, (hostname,), dt.datetime.now(dt.UTC))
    return pem, private


def _blocks(text: str) -> list[tuple[str, str]]:
    return [(found[1], f"{found[0]}\n") for found in _PEM.finditer(text)]


def _text(path: Path) -> str:
    try:
        with path.expanduser().open("rb") as file:
            return file.read(_LARGEST_FILE).decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise FreeholdError(Code.USAGE, f"cannot read {path}: {reason}") from None


async def require_free(dns: Dns, zone_id: str, hostname: str, addresses: tuple[str, ...], owner: Owner) -> None:
    """Before anything is made: raises CONFLICT with the records of others that have the name."""
    others = plan_records(await dns.records(zone_id, hostname), addresses, owner).others
    if others:
        listed = "\n".join(f"  {one.type} {one.name} {one.content}{' (proxied)' * one.proxied}" for one in others)
        raise FreeholdError(
            Code.CONFLICT,
            f"{hostname} has records that Freehold did not make:\n{listed}",
            "Choose another name, or agree that they are replaced: --replace-records",
        )


async def addresses_of(host: str, lookup: Lookup) -> tuple[str, ...]:
    """Of a server: itself where it is one. Raises UNREACHABLE for a name that has none."""
    if address := address_or_none(host):
        return (address,)
    if found := await lookup(host):
        return found
    raise FreeholdError(
        Code.UNREACHABLE, f"there is no address for {host}", "DNS must lead to an address of the server."
    )

"""DNS in memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from freehold.providers.api_error import ApiError, Refusal
from freehold.providers.dns import OriginCertificate, Record, SslMode, Zone
from freehold.providers.fake_authority import OriginAuthority
from freehold.providers.leftover import Leftover, LeftoverKind
from freehold.providers.origin_request import checked_hostname, owner_name_in
from freehold.providers.ownership import Owner
from freehold.providers.record_plan import Target, plan_records


@dataclass
class FakeDns:
    """`Dns` in memory. `refusals` are raised in turn, each instead of the next change."""

    held: tuple[Zone, ...] = (Zone("zone1", "example.com", active=True),)
    refusals: deque[Refusal] = field(default_factory=deque)
    entries: dict[str, tuple[str, Record]] = field(default_factory=dict)
    modes: dict[str, SslMode] = field(default_factory=dict)
    strict_hosts: dict[str, tuple[str, str, Owner]] = field(default_factory=dict)
    certificates: dict[str, tuple[OriginCertificate, str]] = field(default_factory=dict)
    authority: OriginAuthority = field(default_factory=OriginAuthority)
    _last_id: int = 0

    def add_record(self, kind: str, name: str, content: str) -> None:
        """In the first zone, as somebody else would."""
        record = Record(self._new_id(), kind, name, content, proxied=False)
        self.entries[record.id] = (self.held[0].id, record)

    async def check(self) -> str:
        return "nobody's token"

    async def zones(self) -> tuple[Zone, ...]:
        return self.held

    async def records(self, zone_id: str, hostname: str) -> tuple[Record, ...]:
        name = checked_hostname(hostname)
        return tuple(one for zone, one in self.entries.values() if zone == zone_id and one.name == name)

    async def point(
        self, zone_id: str, hostname: str, addresses: tuple[str, ...], owner: Owner, *, replace: bool = False
    ) -> tuple[Record, ...]:
        name = checked_hostname(hostname)
        plan = plan_records(await self.records(zone_id, name), addresses, owner)
        if plan.others and not replace:
            raise ApiError(Refusal.TAKEN, f"Fake: could not point {name} at the server: it has records of others")
        self._refuse(f"point {name} at the server")
        for record in plan.delete:
            del self.entries[record.id]
        changed = [self._put(zone_id, record.id, target, name, owner) for record, target in plan.update]
        made = [self._put(zone_id, self._new_id(), target, name, owner) for target in plan.create]
        return (*plan.keep, *changed, *made)

    async def certify(self, hostname: str, csr_pem: str) -> OriginCertificate:
        self._refuse(f"make an origin certificate for {hostname}")
        names = (checked_hostname(hostname),)
        made = OriginCertificate(self._new_id(), names, self.authority.certify(names, csr_pem))
        self.certificates[made.id] = (made, csr_pem)
        return made

    async def ssl_mode(self, zone_id: str) -> SslMode:
        return self.modes.get(zone_id, SslMode.FULL)

    async def set_ssl_mode(self, zone_id: str, mode: SslMode) -> None:
        self._refuse("set the zone's SSL mode")
        self.modes[zone_id] = mode

    async def require_strict(self, zone_id: str, hostname: str, owner: Owner) -> None:
        self._refuse(f"make SSL strict for {hostname}")
        rule = (zone_id, checked_hostname(hostname), owner)
        if rule not in self.strict_hosts.values():
            self.strict_hosts = {key: one for key, one in self.strict_hosts.items() if one[2] != owner}
            self.strict_hosts[self._new_id()] = rule

    async def proxy_networks(self) -> tuple[str, ...]:
        return ("198.51.100.0/24", "2001:db8:1::/48")

    async def leftovers(self, zone_id: str, owner: Owner) -> tuple[Leftover, ...]:
        records = (one for zone, one in self.entries.values() if zone == zone_id and owner.signed(one.comment))
        found = [Leftover(LeftoverKind.DNS_RECORD, one.id, f"{one.type} {one.name}") for one in records]
        found += [
            Leftover(LeftoverKind.HOST_RULE, key, host)
            for key, (zone, host, whose) in self.strict_hosts.items()
            if (zone, whose) == (zone_id, owner)
        ]
        found += [
            Leftover(LeftoverKind.CERTIFICATE, one.id, ", ".join(one.hostnames))
            for one, csr in self.certificates.values()
            if owner_name_in(csr) == owner.name
        ]
        return tuple(found)

    async def remove(self, zone_id: str, leftover: Leftover) -> None:  # noqa: ARG002  ids are unique here
        self._refuse(f"remove the {leftover}")
        self.entries.pop(leftover.id, None)
        self.strict_hosts.pop(leftover.id, None)
        self.certificates.pop(leftover.id, None)

    async def close(self) -> None:
        """Nothing is open."""

    def _put(self, zone_id: str, record_id: str, target: Target, name: str, owner: Owner) -> Record:
        record = Record(record_id, target.type, name, target.content, True, owner.mark)
        self.entries[record_id] = (zone_id, record)
        return record

    def _refuse(self, does: str) -> None:
        if self.refusals:
            refusal = self.refusals.popleft()
            raise ApiError(refusal, f"Fake: could not {does}: {refusal}", "Nothing real has happened.")

    def _new_id(self) -> str:
        self._last_id += 1
        return str(self._last_id)

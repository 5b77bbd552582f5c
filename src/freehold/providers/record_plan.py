"""What has to be done so that a name leads to a server, and to nothing else (pure)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from freehold.providers.address import address_or_none
from freehold.providers.dns import Record
from freehold.providers.ownership import Owner

_LEADING = ("A", "AAAA", "CNAME")
"""Types that decide where a name leads; TXT, MX and the like may stand beside ours."""


@dataclass(frozen=True)
class Target:
    """A record as it should be."""

    type: str
    content: str


@dataclass(frozen=True)
class RecordPlan:
    """`others` are in the way. `update` changes a record in place, so that the name leads somewhere all the time."""

    keep: tuple[Record, ...]
    update: tuple[tuple[Record, Target], ...]
    create: tuple[Target, ...]
    delete: tuple[Record, ...]
    others: tuple[Record, ...]


def plan_records(records: tuple[Record, ...], addresses: tuple[str, ...], owner: Owner) -> RecordPlan:
    """For proxied records of `addresses`. One of others' making that already does what it should is kept as it is."""
    leading = [record for record in records if record.type in _LEADING]
    missing = [_target(address) for address in addresses]
    keep = [record for record in leading if _does(record, missing)]
    missing = [target for target in missing if not any(_leads_to(record, target) for record in keep)]
    rest = [record for record in leading if record not in keep]
    others = tuple(record for record in rest if not owner.signed(record.comment))
    update: list[tuple[Record, Target]] = []
    for target in list(missing):
        # An address that is right but not proxied first, then any of the type.
        for record in sorted(rest, key=lambda record: not _leads_to(record, target)):
            if record.type == target.type:
                update.append((record, target))
                rest.remove(record)
                missing.remove(target)
                break
    return RecordPlan(tuple(keep), tuple(update), tuple(missing), tuple(rest), others)


def _target(address: str) -> Target:
    parsed = ipaddress.ip_address(address)
    return Target("A" if parsed.version == 4 else "AAAA", str(parsed))


def _does(record: Record, targets: list[Target]) -> bool:
    return record.proxied and any(_leads_to(record, target) for target in targets)


def _leads_to(record: Record, target: Target) -> bool:
    return record.type == target.type and address_or_none(record.content) == target.content

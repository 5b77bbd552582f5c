"""The credentials of a project on a server: each with the one user that needs it, and none that no release needs."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from freehold.base.secret import Secret
from freehold.deploy.credentials_choice import Chosen, Place
from freehold.deploy.part import Change
from freehold.deploy.remote import program_text
from freehold.hosts.host import Host
from freehold.hosts.script import run_script
from freehold.project.credential import CredentialRef
from freehold.project.credentials import CREDENTIAL_TYPES
from freehold.server.layout import Layout
from freehold.wire.decoding import decode_json

_MODE = 0o600


class StoredValue(msgspec.Struct, frozen=True):
    """A file there; `digest` is of what is in it, under the key that was sent along."""

    digest: str
    mode: int


class CredentialsFacts(msgspec.Struct, frozen=True):
    """`places` are the files of each home, by `type/instance/field`; one whose user is not there yet is missing.
    `listed` is what each release may need, as `type/instance`."""

    places: dict[str, dict[str, StoredValue]]
    listed: dict[str, list[str]]


@dataclass(frozen=True)
class CredentialsPart:
    """`chosen` is what counts from now on (`choose`). `going` are releases that this push takes away: what they alone
    list goes too. `key` is made anew each time."""

    layout: Layout
    chosen: Chosen
    going: Collection[str] = ()
    key: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)

    name = "credentials"

    @property
    def remote(self) -> str:
        return program_text(self.name)

    def asked(self) -> Any:
        homes = {place: self._place(place) for place in Place}
        return {"places": homes, "releases": self.layout.releases, "key": self.key}

    def plan(self, facts: msgspec.Raw) -> Sequence[Change]:
        told = decode_json(bytes(facts), msgspec.json.Decoder(CredentialsFacts))
        return [*self._to_write(told), *(self._to_remove(told) if self.chosen.is_whole else ())]

    async def carry_out(self, host: Host, changes: Sequence[Change]) -> None:
        """What is removed is removed last."""
        places = []
        for place in Place:
            mine = [change.document for change in changes if change.document["place"] == place]
            write = {path: value.reveal() for each in mine for path, value in each.get("write", {}).items()}
            remove = [path for each in mine for path in each.get("remove", ())]
            if mine:
                places.append({**self._place(place), "write": write, "remove": remove})
        await run_script(host, self.name, self.remote, {"places": places}, type(None), as_root=True)

    def _place(self, place: Place) -> Mapping[str, str]:
        if place is Place.KEEPER:
            return {"home": self.layout.keeper_home, "user": self.layout.keeper_user}
        return {"home": self.layout.gateway_home, "user": self.layout.user}

    def _to_write(self, told: CredentialsFacts) -> Iterator[Change]:
        for place in Place:
            there = told.places.get(place, {})
            for ref, values in sorted(self.chosen.values.get(place, {}).items()):
                files = {_path(ref, name): value for name, value in sorted(values.items())}
                write = {path: value for path, value in files.items() if not self._is_there(there.get(path), value)}
                if write:
                    what = f"give the {place} {ref}"
                    yield Change(what, _fields(write), {"place": place, "write": write})

    def _to_remove(self, told: CredentialsFacts) -> Iterator[Change]:
        """What no release needs any more, and fields that a credential has no longer. What Freehold made there for
        itself (its gateway's key) is none of ours."""
        kept = {name for release, names in told.listed.items() if release not in self.going for name in names}
        for place in Place:
            chosen = self.chosen.values.get(place, {})
            wanted = {_path(ref, name) for ref, values in chosen.items() for name in values}
            gone: dict[str, list[str]] = {}
            for path in sorted(told.places.get(place, {})):
                name = path.rpartition("/")[0]
                is_ours = CredentialRef(*name.split("/")) in chosen
                is_kept = path in wanted or (name in kept and not is_ours)
                if name.split("/")[0] in CREDENTIAL_TYPES and not is_kept:
                    gone.setdefault(name, []).append(path)
            for name, paths in gone.items():
                what = f"take {CredentialRef(*name.split('/'))} from the {place}"
                yield Change(what, _fields(paths), {"place": place, "remove": paths})

    def _is_there(self, stored: StoredValue | None, value: Secret) -> bool:
        if stored is None or stored.mode != _MODE:
            return False
        digest = hmac.new(bytes.fromhex(self.key), _written(value), hashlib.sha256).hexdigest()
        return hmac.compare_digest(digest, stored.digest)


def _written(value: Secret) -> bytes:
    """As it lies in a file (`store/credentials.py`)."""
    return f"{value.reveal()}\n".encode()


def _path(ref: CredentialRef, name: str) -> str:
    return f"{ref.type}/{ref.instance}/{name}"


def _fields(paths: Collection[str]) -> tuple[str, ...]:
    return (", ".join(path.rpartition("/")[2] for path in paths),)

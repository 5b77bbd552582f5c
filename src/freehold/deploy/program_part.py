"""The program that a project's units run, on the server under its digest: sent when it is not there."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from freehold.base.errors import FreeholdError
from freehold.base.ids import new_ulid
from freehold.deploy.bundle.archive import pack, sha256_of
from freehold.deploy.bundle.bundle import Bundle
from freehold.deploy.bundle.cache import ProgramCache, cache_folder
from freehold.deploy.bundle.libraries import make_libraries
from freehold.deploy.bundle.target import Target, target_of
from freehold.deploy.part import Change
from freehold.deploy.remote import program_text
from freehold.hosts.host import Host, RemoteFile
from freehold.hosts.script import run_script
from freehold.server.layout import PROGRAMS, Layout
from freehold.wire.decoding import decode_json

_CODE, _LIBRARIES = "code.tar.gz", "libraries.tar.gz"
_INSTALL_TIMEOUT_S = 600.0
"""Unpacking and compiling takes 5 s of one processor's time."""


class ProgramFacts(msgspec.Struct, frozen=True):
    """What a server says of itself. `programs` are the digests of those that are there, and of their packages."""

    architecture: str
    c_library: str
    python: tuple[int, int]
    interpreter: str
    programs: dict[str, str]


@dataclass(frozen=True)
class ProgramPart:
    """`prepare` fetches what is not on this machine yet, before anything is changed on the server."""

    layout: Layout
    bundle: Bundle
    cache: ProgramCache = field(default_factory=lambda: ProgramCache(cache_folder(os.environ)))

    name = "program"

    @property
    def remote(self) -> str:
        return program_text(self.name)

    def asked(self) -> Any:
        return {"base": self.layout.base}

    def digest(self, facts: msgspec.Raw) -> str:
        """The name of the program on that server. Raises FAILED for a server that no program can be made for."""
        return self.bundle.digest(_target(_facts(facts)))

    def plan(self, facts: msgspec.Raw) -> Sequence[Change]:
        told = _facts(facts)
        target = _target(told)
        digest, libraries = self.bundle.digest(target), self.bundle.libraries_digest(target)
        if digest in told.programs:
            return ()
        reuse = next((name for name, packages in sorted(told.programs.items()) if packages == libraries), "")
        packages = f"its packages as those of {PROGRAMS}/{reuse}" if reuse else "its packages, about 25 MB"
        what = f"send freehold {self.bundle.version} to {self.layout.program_folder(digest)}"
        detail = (f"for Python {target.python_version} on {target.architecture}", packages)
        return (Change(what, detail, {"target": target, "digest": digest, "reuse": reuse}),)

    async def prepare(self, changes: Sequence[Change]) -> None:
        """Raises what `make_libraries` raises."""
        for change in changes:
            if not change.document["reuse"]:
                await self._libraries(change.document["target"])

    async def carry_out(self, host: Host, changes: Sequence[Change]) -> None:
        for change in changes:
            await self._send(host, change.document["target"], change.document["digest"], change.document["reuse"])

    async def prune(self, host: Host, *, keep: Sequence[str] = ()) -> list[str]:
        """Take away the programs on the server that nobody needs: which ones. Needed are those that a kept release of
        any project names, those that run, those of the last hour, and `keep`."""
        removed: list[str] = await self._ask(host, {"do": "prune", "keep": keep}, list[str])
        return removed

    async def _send(self, host: Host, target: Target, digest: str, reuse: str) -> None:
        code = await asyncio.to_thread(pack, self.bundle.own_files(target))
        files = [RemoteFile(_CODE, code)]
        archives = {_CODE: hashlib.sha256(code).hexdigest()}
        if not reuse:
            libraries = await self._libraries(target)
            files.append(RemoteFile(_LIBRARIES, libraries))
            archives = {_LIBRARIES: await asyncio.to_thread(sha256_of, libraries), **archives}
        incoming = f".incoming-{new_ulid()}"
        document = {
            "do": "install", "incoming": incoming, "digest": digest, "reuse": reuse, "archives": archives,
            "packages": target.packages, "interpreter": target.interpreter,
        }  # fmt: skip
        try:
            await host.put(files, f"{self.layout.base}/{PROGRAMS}/{incoming}", as_root=True)
            await self._ask(host, document, dict[str, bool])
        except FreeholdError:
            with contextlib.suppress(FreeholdError):  # a disk that it filled is free again; the first error counts
                await self._ask(host, {"do": "discard", "incoming": incoming}, type(None))
            raise

    async def _libraries(self, target: Target) -> Path:
        return await self.cache.get(
            self.bundle.libraries_digest(target), lambda path: make_libraries(self.bundle.requirements, target, path)
        )

    async def _ask(self, host: Host, document: dict[str, Any], answer: type[Any]) -> Any:
        whole = {"base": self.layout.base, **document}
        return await run_script(host, self.name, self.remote, whole, answer, as_root=True, timeout_s=_INSTALL_TIMEOUT_S)


def _facts(facts: msgspec.Raw) -> ProgramFacts:
    return decode_json(bytes(facts), msgspec.json.Decoder(ProgramFacts))


def _target(facts: ProgramFacts) -> Target:
    return target_of(facts.architecture, facts.c_library, facts.python, facts.interpreter)

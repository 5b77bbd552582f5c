"""What the parts have in common that keep files of the system: sshd's, fail2ban's, the firewall's, the journal's.

Each says which files it wants, how they are checked and made to count. They are changed as one: written, checked, made
to count, and put back as they were when anything of that fails, or when the connection that asked for it dies.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from freehold.base.clock import Clock, SystemClock
from freehold.base.errors import Code, FreeholdError
from freehold.deploy.part import Change
from freehold.deploy.remote import program_text
from freehold.deploy.text_difference import text_difference
from freehold.hosts.host import Host
from freehold.hosts.script import run_script

REMOTE = ("put_back", "managed_files")
UNDO_AFTER_S = 90
"""Time for a second login before the server puts all back by itself: twice what one may take, through a jump host."""
PROOF_S = 45.0
"""For that login; sshd is away for a moment while it reads its configuration anew."""
_AGAIN_S = 0.5
_TIMEOUT_S = 240.0

Answer = TypeVar("Answer")
LogIn = Callable[[], Awaitable[Host]]
"""A login of its own, with the same key and on the same way as the connection in use."""


@dataclass(frozen=True)
class ManagedFile:
    """`text` None stands for no file. They are root's."""

    path: str
    text: str | None
    mode: int = 0o644


@dataclass(frozen=True)
class Step:
    """A command that makes files count; tried again for `patience_s` while it fails."""

    argv: tuple[str, ...]
    patience_s: float = 0.0


@dataclass(frozen=True)
class Settings:
    """What a part wants of the system. `check` are commands that must find the files good before they count; `undo` are
    those that make the old ones count again; `ask` are questions whose answers are told afterwards."""

    files: Sequence[ManagedFile]
    activate: Sequence[Step]
    check: Sequence[tuple[str, ...]] = ()
    undo: Sequence[tuple[str, ...]] = ()
    ask: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class FileThere(msgspec.Struct, frozen=True):
    """`text` is None for what is long, or no UTF-8."""

    sha256: str
    text: str | None
    mode: int
    owner: str


class Said(msgspec.Struct, frozen=True):
    """What a command said: on both of its streams, and its status."""

    status: int = 127
    text: str = ""


class ThisLogin(msgspec.Struct, frozen=True):
    """Of the connection that the facts came by: who, from which address, to which one and which port of the server.
    Empty, and 0, where it is not SSH."""

    user: str = ""
    client: str = ""
    address: str = ""
    port: int = 0


class ManagedFacts(msgspec.Struct, frozen=True):
    """`waiting` says that a change was begun and not confirmed: it is made again."""

    files: dict[str, FileThere | None] = {}
    folders: dict[str, list[str]] = {}
    said: dict[str, Said] = {}
    login: ThisLogin = ThisLogin()
    waiting: bool = False

    def has(self, *wanted: ManagedFile) -> bool:
        """Whether each of them is there as it is to be, and nothing waits."""
        return not self.waiting and not any(_differs(file, self.files.get(file.path)) for file in wanted)

    def answer(self, name: str) -> Said:
        return self.said.get(name, Said())

    def text(self, name: str) -> str:
        """What the command `name` said, if it went well."""
        said = self.answer(name)
        return said.text if said.status == 0 else ""


class _Applied(msgspec.Struct, frozen=True):
    token: str
    said: dict[str, Said]


class _Done(msgspec.Struct, frozen=True):
    done: bool


def remote_text() -> str:
    return program_text(*REMOTE)


def asked(
    name: str,
    *,
    files: Sequence[str] = (),
    folders: Sequence[str] = (),
    commands: Mapping[str, Sequence[str]] | None = None,
) -> Mapping[str, Any]:
    """The document of `read`. Commands change nothing."""
    return {"name": name, "files": files, "folders": folders, "commands": commands or {}}


def facts_of(raw: msgspec.Raw) -> ManagedFacts:
    return msgspec.json.decode(raw, type=ManagedFacts)


def _differs(wanted: ManagedFile, there: FileThere | None) -> bool:
    if wanted.text is None or there is None:
        return (wanted.text is None) != (there is None)
    return there.text != wanted.text or there.mode != wanted.mode or there.owner != "root:root"


def change(name: str, what: str, facts: ManagedFacts, settings: Settings, notes: Sequence[str] = ()) -> Change:
    """The one change that such a part makes: `notes`, and the difference of each file below it."""
    there = {path: None if file is None else file.text or "" for path, file in facts.files.items()}
    lines = [line for each in settings.files for line in text_difference(each.path, there.get(each.path), each.text)]
    document = {
        "name": name,
        "files": [{"path": file.path, "text": file.text, "mode": file.mode} for file in settings.files],
        "check": settings.check,
        "activate": [{"argv": step.argv, "patience_s": step.patience_s} for step in settings.activate],
        "undo": settings.undo,
        "ask": settings.ask,
    }
    return Change(what, (*notes, *lines), document)


async def carry_out(host: Host, planned: Change) -> Mapping[str, Said]:
    """Make the change count at once. Raises FAILED when it is not good; then all is as it was."""
    return (await _apply(host, planned, 0)).said


async def carry_out_proven(
    host: Host,
    planned: Change,
    log_in: LogIn,
    judge: Callable[[Mapping[str, Said]], None] = lambda _said: None,
    *,
    patience_s: float = PROOF_S,
    undo_after_s: int = UNDO_AFTER_S,
) -> None:
    """Make a change by which one could be shut out: it stays when `judge`, which is given the answers to `ask`, raises
    nothing, and a second login confirms it. Else all is put back: at once, or by the server itself when nobody can tell
    it to. Raises what stood against it."""
    applied = await _apply(host, planned, undo_after_s)
    document = {"name": planned.document["name"], "token": applied.token}
    try:
        judge(applied.said)
        other = await _second_login(log_in, SystemClock(), patience_s)
        try:
            answer = await _tell(other, {"do": "confirm", **document}, _Done)
        finally:
            await other.close()
    except FreeholdError as error:
        raise await _undone(host, document, error, undo_after_s) from error
    if not answer.done:
        raise FreeholdError(
            Code.FAILED, f"{host.name}: {planned.what}: it was put back, for nobody confirmed it in time", "Try again."
        )


async def _second_login(log_in: LogIn, clock: Clock, patience_s: float) -> Host:
    deadline = clock.monotonic() + patience_s
    while True:
        try:
            return await log_in()
        except FreeholdError as error:
            if error.code is not Code.UNREACHABLE or clock.monotonic() >= deadline:
                raise
        await clock.sleep(_AGAIN_S)


async def _undone(host: Host, document: Mapping[str, Any], error: FreeholdError, undo_after_s: int) -> FreeholdError:
    """`error`, with what became of the change."""
    try:
        await _tell(host, {"do": "undo", **document}, _Done)
    except FreeholdError as problem:
        became = f"it goes back to how it was by itself, within {undo_after_s} s ({problem.message})"
    else:
        became = "all is as it was"
    return FreeholdError(error.code, f"{error.message}; {became}", error.hint)


async def _apply(host: Host, planned: Change, undo_after_s: int) -> _Applied:
    document = {"do": "apply", **planned.document, "undo_after_s": undo_after_s, "put_back": program_text(REMOTE[0])}
    return await _tell(host, document, _Applied)


async def _tell(host: Host, document: Mapping[str, Any], answer: type[Answer]) -> Answer:
    name = f"{document['name']}-files"
    return await run_script(host, name, remote_text(), document, answer, as_root=True, timeout_s=_TIMEOUT_S)

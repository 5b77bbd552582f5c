"""Where an agent comes from: a folder of this machine, or a git repository; and which agents are in it."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import did_you_mean, one_of
from freehold.cli.agent_fetch import fetch
from freehold.project.agent_config import SKILL_FILE
from freehold.project.names import agent_name_problem, project_slug

_ON_GITHUB = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
_LIKE_SCP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^:\s-][^:\s]*")
_SCHEMES = ("https", "http", "ssh", "git", "file")
_FOLDERS = ("skills", "agents")


@dataclass(frozen=True)
class Source:
    """`text` is what the user wrote, without the part after `#`; `inside` is that part: a folder in the source."""

    text: str
    inside: str = ""

    @property
    def recorded(self) -> str:
        """How the agent's `source` key says it, for `freehold agent update`."""
        return f"{self.text}#{self.inside}" if self.inside else self.text


@dataclass(frozen=True)
class Candidate:
    """An agent in a source: its name, and its folder inside (empty: the source itself)."""

    name: str
    inside: str


def parse_source(text: str, *, recorded: bool = False) -> Source:
    """`PATH`, `OWNER/REPOSITORY` on GitHub, or an address that git knows; `#FOLDER` names a folder in it.

    What was `recorded` means the same wherever it is read: a folder is one from the root on. Raises USAGE, for what is
    neither and for addresses that hold a password.
    """
    address, _, inside = text.partition("#")
    if Path(address).expanduser().is_dir() and not (recorded and not Path(address).is_absolute()):
        return Source(str(Path(address).expanduser().absolute()), inside)
    if _ON_GITHUB.fullmatch(address) or _LIKE_SCP.fullmatch(address):
        return Source(address, inside)
    if _is_address(address):
        return Source(address, inside)
    raise FreeholdError(
        Code.USAGE,
        f"{address!a} is no folder and no repository",
        "write OWNER/REPOSITORY, a folder, or an address for git",
    )


def _is_address(text: str) -> bool:
    """Whether git may be given it. Raises USAGE for one with a secret in it."""
    try:
        parts = urlsplit(text)
    except ValueError:  # brackets that hold no address
        return False
    # Git hands host and user on to ssh as words of a command, and line ends to its credential helpers.
    strange = any(not character.isprintable() or character.isspace() for character in text)
    if parts.scheme not in _SCHEMES or strange or parts.netloc.startswith("-") or "@-" in parts.netloc:
        return False
    # A token may be the user's name: https://TOKEN@github.com.
    if parts.password or (parts.username and parts.scheme in {"http", "https"}):
        raise FreeholdError(
            Code.USAGE, f"the address of {parts.hostname} holds a password, which would be written into the project",
            "leave it out; git asks its own credential helper",
        )  # fmt: skip
    return bool(parts.hostname) or parts.scheme == "file"


@contextlib.contextmanager
def fetched(source: Source) -> Iterator[Path]:
    """The source's files in a folder, until the block ends. Raises as `fetch`."""
    if Path(source.text).is_absolute():
        yield Path(source.text)
        return
    address = f"https://github.com/{source.text}" if _ON_GITHUB.fullmatch(source.text) else source.text
    with tempfile.TemporaryDirectory(prefix="freehold-agent-") as directory:
        checkout = Path(directory) / "checkout"
        fetch(address, checkout, _FOLDERS)
        yield checkout


def find_candidates(source: Source, root: Path) -> list[Candidate]:
    """The agents in a source: itself, and the folders of `skills/` and `agents/` that hold a SKILL.md."""
    found = []
    if (root / SKILL_FILE).is_file():
        found.append(Candidate(_own_name(source), ""))
    for folder in _FOLDERS:
        found += [
            Candidate(path.parent.name, f"{folder}/{path.parent.name}")
            for path in sorted((root / folder).glob(f"*/{SKILL_FILE}"))
        ]
    return found


def choose(source: Source, candidates: list[Candidate], wanted: str) -> Candidate:
    """The one that is meant: by `wanted`, by the source's own `#FOLDER`, or because there is no other."""
    if source.inside:
        candidates = [candidate for candidate in candidates if candidate.inside == source.inside.strip("/")]
    names = [candidate.name for candidate in candidates]
    if not candidates:
        raise FreeholdError(
            Code.NOT_FOUND,
            f"{source.recorded} holds no agent",
            f"an agent is a folder with a {SKILL_FILE}: the repository itself, or a folder in skills/ or agents/",
        )
    if wanted and wanted not in names:
        message = " ".join(
            part for part in (f"{source.text} holds no agent {wanted!a}", did_you_mean(wanted, names)) if part
        )
        raise FreeholdError(Code.NOT_FOUND, message, f"it holds: {one_of(names)}")
    if not wanted and len(candidates) > 1:
        raise FreeholdError(
            Code.USAGE, f"{source.text} holds several agents: {one_of(names)}", "choose one with -a NAME"
        )
    return next(candidate for candidate in candidates if not wanted or candidate.name == wanted)


def find_again(source: Source, candidates: list[Candidate], name: str) -> Candidate:
    """The one that an agent called `name` came from: as recorded; without a record the source itself, else by name."""
    if not source.inside:
        for candidate in candidates:
            if not candidate.inside:
                return candidate
        if any(candidate.name == name for candidate in candidates):
            return choose(source, candidates, name)
    return choose(source, candidates, "")


def _own_name(source: Source) -> str:
    last = re.split(r"[/:]", source.text.rstrip("/"))[-1].removesuffix(".git")
    return last if not agent_name_problem(last) else project_slug(last)

"""A patch as a page shows it: by file, each line with what it is (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

MOST_LINES = 4000
"""On a page; the whole patch can be saved."""
_KINDS = {"+": "added", "-": "removed", "@": "place", "\\": "note"}
_HEADS = ("+++ b/", "--- a/", "rename to ", "diff --git ")


@dataclass(frozen=True)
class Line:
    """`kind` is `added`, `removed`, `same`, `place` (where in the file), `note`, or `head`."""

    kind: str
    text: str


@dataclass
class FileDifference:
    """`left_out` lines are not among `lines`."""

    name: str = ""
    added: int = 0
    removed: int = 0
    lines: list[Line] = field(default_factory=list)
    left_out: int = 0


def differences(patch: str, room: int = MOST_LINES) -> list[FileDifference]:
    """The files of a patch as git writes it, with `room` lines of all of them together. What is no patch is shown."""
    found: list[FileDifference] = []
    heads: list[str] = []
    for text in patch.removesuffix("\n").split("\n") if patch else ():
        if text.startswith("diff --git ") or not found:
            heads = []
            found.append(FileDifference())
        inside = not heads or heads[-1] != ""
        kind = "head" if inside and not text.startswith("@@") else _KINDS.get(text[:1], "same")
        if kind == "head":
            heads.append(text or " ")
            found[-1].name = _name(heads)
        elif kind == "place" and inside:
            heads.append("")
        room -= 1
        _take(found[-1], Line(kind, text), room >= 0)
    return found


def _take(into: FileDifference, line: Line, room: bool) -> None:
    into.added += line.kind == "added"
    into.removed += line.kind == "removed"
    if room:
        into.lines.append(line)
    else:
        into.left_out += 1


def _name(heads: Iterable[str]) -> str:
    """As the head of a file's part says it, the best of what there is."""
    told = list(heads)
    for start in _HEADS:
        for text in told:
            if text.startswith(start):
                return text.removeprefix(start).rstrip("\t")
    return told[0]

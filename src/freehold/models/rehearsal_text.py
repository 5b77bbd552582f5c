"""Writing `rehearsal.yaml` so that people like to read it and every text is read back as it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from freehold.models.rehearsal_file import VERSION, Turn


@dataclass(frozen=True)
class Note:
    """A comment between turns: something that happened and cannot be rehearsed."""

    text: str


_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ./,;()=|_-]*[A-Za-z0-9./;()=_]")
_WORDS_WITH_A_MEANING = frozenset({"true", "false", "null", "yes", "no", "on", "off"})


def write_script(entries: list[Turn | Note]) -> str:
    """The text of a rehearsal, its comments included; `parse_script` reads the same turns from it."""
    lines = [f"version: {VERSION}", "turns:"]
    for entry in entries:
        if isinstance(entry, Note):
            lines.extend(f"  # {_visible(line)}" for line in entry.text.splitlines())
            continue
        first, *others = _fields(entry)
        lines.append(f"  - {first}")
        lines.extend(f"    {line}" if line else "" for line in others)
    return "\n".join(lines) + "\n"


def _fields(turn: Turn) -> Iterator[str]:
    """The lines of a turn, not indented."""
    if turn.say:
        yield from _field("say", turn.say)
    if turn.shell:
        yield from _field("shell", turn.shell)
    if turn.write:
        yield "write:"
        for key, text in (("path", turn.write.path), ("content", turn.write.content)):
            for line in _field(key, text):
                yield f"  {line}" if line else ""
    if turn.expect:
        yield from _field("expect", turn.expect.pattern)


def _field(key: str, text: str) -> Iterator[str]:
    block = _as_block(text)
    if block is None:
        yield f"{key}: {_on_one_line(text)}"
        return
    head, lines = block
    yield f"{key}: {head}"
    for line in lines:
        yield f"  {line}" if line else ""


def _as_block(text: str) -> tuple[str, list[str]] | None:
    """A literal block keeps lines as they are. It is for several lines of visible characters that do not begin with a
    space (that would be taken for its indentation) and do not end in blank lines."""
    body = text.removesuffix("\n")
    lines = body.split("\n")
    if len(lines) == 1 or not lines[0] or not lines[-1].strip() or lines[0].startswith(" "):
        return None
    if not all(line.isprintable() for line in lines):
        return None
    return ("|" if text.endswith("\n") else "|-"), lines


def _on_one_line(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS_WITH_A_MEANING:
        return text
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_visible(escaped)}"'


def _visible(text: str) -> str:
    """What is not visible is written as an escape of double quotes."""
    return "".join(
        character if character.isprintable() else "\\n" if character == "\n" else f"\\U{ord(character):08x}"
        for character in text
    )

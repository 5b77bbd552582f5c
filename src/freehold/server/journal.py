"""Lines of systemd's journal, as `journalctl -o json` writes them (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from freehold.wire.decoding import decode_json


@dataclass(frozen=True)
class JournalLine:
    """`cursor` is where to go on after it. `unit` is empty for what belongs to none."""

    cursor: str
    at: datetime
    unit: str
    message: str
    priority: int


def read_journal_line(data: bytes) -> JournalLine | None:
    """None for what is no entry. A message that is no UTF-8 comes as a list of bytes, a long one as null
    (systemd.journal-fields(7), "JSON"), one of several fields as a list of them."""
    try:
        entry = decode_json(data, msgspec.json.Decoder(dict[str, Any]))
        at = datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
        cursor = str(entry["__CURSOR"])
    except (msgspec.DecodeError, KeyError, ValueError, TypeError, OverflowError, OSError):
        return None
    priority = entry.get("PRIORITY")
    return JournalLine(
        cursor=cursor,
        at=at,
        # What systemd itself says of a unit is said by `init.scope`, and names the unit beside it.
        unit=str(entry.get("UNIT") or entry.get("_SYSTEMD_UNIT") or ""),
        message=_text(entry.get("MESSAGE")),
        priority=int(priority) if isinstance(priority, str) and priority.isdigit() else 6,
    )


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, int) and 0 <= item < 256 for item in value):
        return bytes(value).decode(errors="replace")
    if isinstance(value, list):
        return " ".join(map(_text, value))
    return "(a message that is too long to be shown)" if value is None else str(value)


def journal_words(units: list[str], lines: int | None, *, follow: bool, after: str = "") -> tuple[str, ...]:
    """The command that reads them: the last `lines`, or what came after the cursor `after`."""
    words = ["journalctl", "--no-pager", "--quiet", "-o", "json"]
    for unit in units:
        words += ["-u", unit]
    if after:
        words.append(f"--after-cursor={after}")
    elif lines is not None:
        words += ["-n", str(lines)]
    return (*words, "-f") if follow else tuple(words)

"""Numbers and moments in words (pure)."""

from __future__ import annotations

from datetime import datetime

_DAY_S = 86_400
_STEPS = ((_DAY_S, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def duration(seconds: float, units: int = 2) -> str:
    """`0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{max(seconds, 0.0):.1f} s"
    rest, words = int(seconds), []
    for size, unit in _STEPS:
        number, rest = divmod(rest, size)
        if number:
            words.append(f"{number} {unit}")
    return " ".join(words[:units])


def moment(text: str) -> datetime | None:
    """None for what is no moment with a zone: it was told by somebody else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def relative(text: str, now: datetime) -> str:
    """`3 min ago`, `in 2 h`, `in 1 d 20 h`; what is no moment is said as it is."""
    found = moment(text)
    if found is None:
        return text
    away_s = (now - found).total_seconds()
    if abs(away_s) < 1:
        return "now"
    # What is to come after tomorrow is told more exactly: "in 1 d" may be two nights away.
    units = 2 if away_s <= -_DAY_S else 1
    shown = duration(abs(away_s), units) if abs(away_s) >= 10 else f"{int(abs(away_s))} s"
    return f"{shown} ago" if away_s > 0 else f"in {shown}"


def exact(text: str) -> str:
    """`2026-11-21 09:00:00 UTC`."""
    found = moment(text)
    return found.strftime("%Y-%m-%d %H:%M:%S UTC") if found else text


def usd(amount: float | None) -> str:
    """None: a model without a known price was used."""
    if amount is None:
        return "unknown"
    return f"${amount:.2f}" if amount >= 1 or amount == 0 else f"${amount:.4f}"


def count(number: int) -> str:
    """`950`, `12.4 k`, `3.1 M`."""
    if number < 1_000:
        return str(number)
    return f"{number / 1_000:.1f} k" if number < 1_000_000 else f"{number / 1_000_000:.1f} M"


def size(bytes_: int) -> str:
    """`950 B`, `12.4 kB`, `3.1 MB`."""
    return f"{count(bytes_)}B" if bytes_ >= 1_000 else f"{bytes_} B"


def span(start: str | None, end: str | None, now: datetime) -> str:
    """How long it took, or has taken until now; empty before it began."""
    began = moment(start) if start else None
    if began is None:
        return ""
    until = (moment(end) if end else None) or now
    return duration((until - began).total_seconds())

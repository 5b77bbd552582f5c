"""Text that comes in crumbs, written in pieces: often enough to follow, rarely enough to store."""

from __future__ import annotations

from collections.abc import Callable

from freehold.base.redaction import Redaction

LONGEST_PIECE = 4096
LONGEST_WAIT_S = 0.5


class Pieces:
    """Gathers text and hands it on when there are `LONGEST_PIECE` characters, or on `flush`.

    The pieces, joined, are the text. No piece ends within a secret: what may be the beginning of one waits for what
    follows, so that blacking out piece by piece misses nothing. Times are a monotonic clock's seconds.
    """

    def __init__(self, hand_on: Callable[[str], None], redaction: Redaction) -> None:
        self._hand_on = hand_on
        self._redaction = redaction
        self._text: list[str] = []
        self._size = 0
        self._since: float | None = None

    @property
    def waiting(self) -> bool:
        return self._size > 0

    def add(self, text: str, now: float) -> None:
        if not text:
            return
        if self._since is None:
            self._since = now
        self._text.append(text)
        self._size += len(text)
        if self._size >= LONGEST_PIECE:
            self._give()
            self._since = now if self._size else None

    def flush_if_due(self, now: float) -> None:
        """Hand on what has waited for `LONGEST_WAIT_S`, but for a possible beginning of a secret."""
        if self._since is not None and now - self._since >= LONGEST_WAIT_S:
            self._give()
            self._since = now if self._size else None

    def flush(self) -> None:
        """Hand on everything: nothing follows that belongs to it."""
        self._give(last=True)
        self._since = None

    def _give(self, *, last: bool = False) -> None:
        text = "".join(self._text)
        end = len(text) if last else self._redaction.safe_cut(text, len(text))
        start = 0
        while start < end:
            cut = self._redaction.safe_cut(text, start + LONGEST_PIECE) if end - start > LONGEST_PIECE else end
            cut = cut if cut > start else end
            self._hand_on(text[start:cut])
            start = cut
        self._text, self._size = ([text[end:]] if end < len(text) else []), len(text) - end

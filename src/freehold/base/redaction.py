"""Blacking out secrets in what is written, shown or sent: texts, and strings within values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from freehold.base.secret import HIDDEN, Secret

SHORTEST = 6
"""Shorter values are left alone: they would black out ordinary words (as `base.secret.redact`)."""
_SHORTEST_LINE = 16


class Redaction:
    """Replaces each secret, and each telling line of a secret of several lines, by `[hidden]`."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._values = sorted({value for secret in secrets for value in _telling(secret)}, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, self._values))) if self._values else None

    def text(self, text: str) -> str:
        return self._pattern.sub(HIDDEN, text) if self._pattern else text

    def value(self, value: Any) -> Any:
        """The same in every string of a JSON value, keys among them."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.value(key): self.value(item) for key, item in value.items()}
        return value

    def safe_cut(self, text: str, wanted: int) -> int:
        """The last place up to `wanted` where `text`, which may go on, can be cut without cutting a secret in two."""
        cut = wanted
        while (moved := self._before_secret(text, cut)) != cut:
            cut = moved
        return cut

    def _before_secret(self, text: str, cut: int) -> int:
        for value in self._values:
            start = text.find(value, max(0, cut - len(value) + 1), cut + len(value) - 1)
            if 0 <= start < cut:
                return start
            for length in range(min(len(value) - 1, len(text)), 0, -1):
                if text.endswith(value[:length]):
                    cut = min(cut, len(text) - length)
                    break
        return cut


def _telling(secret: Secret) -> list[str]:
    value = secret.reveal().strip()
    if len(value) < SHORTEST:
        return []
    lines = [line.strip() for line in value.splitlines()]
    if len(lines) == 1:
        return [value]
    return [value, *(line for line in lines if len(line) >= _SHORTEST_LINE and not line.startswith("-----"))]

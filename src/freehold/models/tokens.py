"""What an answer used: the counts that cost money, in one shape for every provider."""

from __future__ import annotations

from dataclasses import dataclass

from freehold.wire.runs import Usage


@dataclass(frozen=True)
class Tokens:
    """Counts of one answer. `input` excludes what a cache gave or took; `cache_write` includes `cache_write_1h`."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    web_searches: int = 0

    def as_usage(self, *, turn: bool) -> Usage:
        """The usage of one request to a model; `turn` when it offered tools."""
        return Usage(self.input, self.output, self.cache_read, self.cache_write, requests=1, turns=int(turn))

    @property
    def total(self) -> int:
        return self.input + self.output + self.cache_read + self.cache_write

"""Where the machines of a strict provider stand: on paper, or, in tests of whole stories, as sandboxes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Sight:
    """What is seen of a machine."""

    running: bool
    ipv4: str | None = None
    ipv6: str | None = None


class ServerRoom(Protocol):
    """Called with the provider's lock held: `set_up` and `clear` return at once, and `look` tells how far it is."""

    def set_up(self, name: str, user_data: str, public_keys: tuple[str, ...]) -> None: ...

    def look(self, name: str) -> Sight: ...

    def clear(self, name: str) -> None: ...

    def is_cleared(self, name: str) -> bool: ...


@dataclass
class PaperRoom:
    """Each machine runs at the second look, and is gone at the second after it was cleared. Addresses: RFC 5737."""

    looks_until_running: int = 2
    looks_until_gone: int = 2
    user_data: dict[str, str] = field(default_factory=dict)
    public_keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _looks: dict[str, int] = field(default_factory=dict)
    _farewells: dict[str, int] = field(default_factory=dict)

    def set_up(self, name: str, user_data: str, public_keys: tuple[str, ...]) -> None:
        self.user_data[name] = user_data
        self.public_keys[name] = public_keys
        self._looks[name] = 0

    def look(self, name: str) -> Sight:
        self._looks[name] += 1
        number = 10 + list(self._looks).index(name)
        if self._looks[name] < self.looks_until_running:
            return Sight(False)
        return Sight(True, f"192.0.2.{number}", f"2001:db8:{number}::1")

    def clear(self, name: str) -> None:
        self._farewells[name] = 0

    def is_cleared(self, name: str) -> bool:
        self._farewells[name] += 1
        return self._farewells[name] >= self.looks_until_gone

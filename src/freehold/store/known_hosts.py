"""`known_hosts` below the user's home of Freehold: the host keys that a person accepted, in OpenSSH's format."""

from __future__ import annotations

from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import make_private_directory, write_atomically
from freehold.project.host_key import HostKey

FILE = "known_hosts"


class KnownHosts:
    """Places (`host` or `[host]:port`) and their keys; `ssh -o UserKnownHostsFile=...` reads the same file."""

    def __init__(self, home: Path) -> None:
        self.path = home / FILE

    def keys_of(self, place: str) -> list[HostKey]:
        """What was accepted for a place. Raises CONFIG for a line that cannot be read: it must not count as none."""
        keys = []
        for number, line in enumerate(self._lines(), 1):
            names, _, key = line.strip().partition(" ")
            if names.startswith("#") or place not in names.split(","):
                continue
            try:
                keys.append(HostKey.parse(key))
            except ValueError as error:
                raise FreeholdError(
                    Code.CONFIG, f"{self.path}: line {number}: the key of {place} {error}", "Repair or remove the line."
                ) from None
        return keys

    def pin(self, place: str, key: HostKey) -> None:
        """From now on `key` alone is right for `place`. Raises what `keys_of` raises, and `OSError`."""
        self._write([*self._others(place), f"{place} {key}"])

    def forget(self, place: str) -> None:
        others = self._others(place)
        if others != self._lines():
            self._write(others)

    def _others(self, place: str) -> list[str]:
        return [line for line in self._lines() if place not in line.strip().partition(" ")[0].split(",")]

    def _lines(self) -> list[str]:
        try:
            return self.path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        except FileNotFoundError:
            return []

    def _write(self, lines: list[str]) -> None:
        make_private_directory(self.path.parent)
        text = "".join(f"{line}\n" for line in lines)
        write_atomically(self.path, text.encode("utf-8", "surrogateescape"))

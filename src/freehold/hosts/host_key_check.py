"""Whether a server shows the host key that it showed before."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from freehold.hosts.target import Target, place_of
from freehold.project.host_key import HostKey, Pin
from freehold.store.known_hosts import KnownHosts

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncssh

_RSA = ("rsa-sha2-256", "rsa-sha2-512")
_ALGORITHMS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", *_RSA)


@dataclass
class HostKeyCheck:
    """`pins` are what the key must be, any of them; `kept_in` says where they are. `shown` and `is_right` are known
    once the server has shown one."""

    place: str
    pins: list[Pin]
    kept_in: str
    shown: HostKey | None = None
    is_right: bool = False

    @classmethod
    def of(cls, target: Target, host: str, port: int, known: KnownHosts) -> HostKeyCheck:
        """The environment's own pin alone counts where there is one; else what a person accepted here, else what the
        user's own `ssh` accepted: that is no first meeting, and another key is a changed one. Raises what
        `KnownHosts.keys_of` raises."""
        place = place_of(host, port)
        if target.pin:
            return cls(place, [target.pin], "server.hostKey of the environment")
        if keys := known.keys_of(place):
            return cls(place, [Pin(key.fingerprint, key) for key in keys], str(known.path))
        path = Path("~/.ssh/known_hosts").expanduser()
        return cls(place, [Pin(key.fingerprint, key) for key in _known_to_ssh(path, host, port)], str(path))

    def see(self, key: HostKey) -> bool:
        """Whether to go on."""
        self.shown = key
        self.is_right = any(pin.fits(key) for pin in self.pins)
        return self.is_right


def algorithms_for(pins: list[Pin]) -> list[str]:
    """The pinned key's own first: a server shows one of its keys, and is to show that one. Certificates are not asked
    for: who signed them is not pinned."""
    pinned = [pin.key.algorithm for pin in pins if pin.key]
    first = [name for kind in pinned for name in (_RSA if kind == "ssh-rsa" else (kind,)) if name in _ALGORITHMS]
    return list(dict.fromkeys([*first, *_ALGORITHMS]))


def client_factory(check: HostKeyCheck) -> Callable[[], asyncssh.SSHClient]:
    import asyncssh

    class Client(asyncssh.SSHClient):
        def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
            del host, addr, port  # the check knows which server it is for
            return check.see(HostKey(key.get_algorithm(), key.public_data))

    return Client


def _known_to_ssh(path: Path, host: str, port: int) -> list[HostKey]:
    import asyncssh

    with contextlib.suppress(OSError, ValueError, UnicodeDecodeError):  # a file that cannot be read knows nothing
        trusted, _, revoked, *_ = asyncssh.match_known_hosts(asyncssh.read_known_hosts(str(path)), host, "", port)
        bad = {key.public_data for key in revoked}
        return [HostKey(key.get_algorithm(), key.public_data) for key in trusted if key.public_data not in bad]
    return []

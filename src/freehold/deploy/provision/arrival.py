"""A server that runs is logged in to for the first time, and waited for until its first boot is through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.deploy.provision.patience import Deadline
from freehold.hosts.failures import HostKeyError
from freehold.hosts.host import Command, Host
from freehold.hosts.script import OLDEST_PYTHON
from freehold.hosts.target import Target
from freehold.project.host_key import HostKey, Pin
from freehold.providers.cloud_init import FIRST_BOOT_DONE

LogIn = Callable[[Target], Awaitable[tuple[Host, HostKey]]]
Vouch = Callable[[], Awaitable[str | None]]
"""The fingerprint of the host key as the provider tells it, past the network; None where it does not, or not yet."""
Accept = Callable[[HostKeyError], bool]
"""Whether a host key that nobody has vouched for is right: a person is asked, or has said so."""

LOOK_EVERY_S = 3.0
KEY_REFUSED_AT_MOST = 4
"""In a row: the key is put there by the first boot, before or after sshd; more refusals look like an attack."""
KEY_PAUSE_S = 10.0

_LOOK = """\
say() { printf '%s=%s\\n' "$1" "$2"; }
say marked "$(test -e "$1" && echo yes)"
say boot "$(cloud-init status 2>/dev/null | sed -n 's/^status: //p')"
say docker "$(docker version --format '{{.Server.Version}}' 2>/dev/null)"
say python "$(python3 -c 'import sys; print(sys.version_info[:2] >= (3, 11))' 2>/dev/null)"
say last "$(tail -n 1 /var/log/cloud-init-output.log 2>/dev/null)"
"""


@dataclass(frozen=True)
class Seen:
    """How far a first boot is. `boot` is cloud-init's own word, empty where there is none."""

    marked: bool = False
    boot: str = ""
    docker: bool = False
    python: bool = False
    last: str = ""

    @property
    def over(self) -> bool:
        return self.boot in ("done", "error", "disabled")

    @property
    def ready(self) -> bool:
        """It went well; or it is over, and what it was for is there all the same: somebody has seen to it."""
        return self.docker and self.python and (self.marked or self.over or not self.boot)

    @property
    def missing(self) -> str:
        lacking = [] if self.docker else ["Docker"]
        lacking += [] if self.python else [f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer"]
        return " and ".join(lacking)


def seen(said: str) -> Seen:
    """Of what `_LOOK` says."""
    told = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    return Seen(
        told.get("marked") == "yes", told.get("boot", ""), bool(told.get("docker")), told.get("python") == "True",
        told.get("last", "").strip(),
    )  # fmt: skip


class Arrival:
    """`log_in` opens one connection to a target, and raises what `open_ssh_host` raises."""

    def __init__(self, log_in: LogIn, accept: Accept, clock: Clock) -> None:
        self._log_in = log_in
        self._accept = accept
        self._clock = clock

    async def meet(
        self, target: Target, deadline: Deadline | None = None, vouch: Vouch | None = None
    ) -> tuple[Host, HostKey]:
        """Logged in, with a host key that is right: as it is pinned, else as the provider tells it, else as `accept`
        says. Without a deadline nothing is waited for. Raises TIMEOUT, and what cannot be waited away."""
        refused = 0
        while True:
            try:
                return await self._log_in(target)
            except HostKeyError as error:
                if target.pin or error.name != target.called:
                    raise
                # A fingerprint of the provider's counts, also against what a person would say.
                if told := await vouch() if vouch else None:
                    target = replace(target, pin=Pin.parse(told))
                elif self._accept(error):
                    target = replace(target, pin=Pin(error.key.fingerprint, error.key))
                else:
                    raise
            except FreeholdError as error:
                refused = refused + 1 if error.code is Code.CREDENTIAL else 0
                if deadline is None or error.code not in (Code.UNREACHABLE, Code.CREDENTIAL):
                    raise
                if refused > KEY_REFUSED_AT_MOST:
                    raise
                deadline.require(error.message)
                await self._clock.sleep(KEY_PAUSE_S if refused else LOOK_EVERY_S)

    async def first_boot(self, target: Target, deadline: Deadline) -> None:
        """Returns when the server has what a push needs. A connection that breaks meanwhile is made anew: sshd is
        restarted. Raises TIMEOUT, or FAILED with the last words of the first boot."""
        host: Host | None = None
        try:
            while True:
                try:
                    if host is None:
                        host, _ = await self.meet(target, deadline)
                    found = await self._look(host)
                except FreeholdError as error:
                    if error.code not in (Code.UNREACHABLE, Code.TIMEOUT) or host is None:
                        raise
                    await host.close()
                    host, found = None, Seen(last=error.message)
                if found.ready:
                    return
                _require_going(found, target.called)
                waits_for = f"{found.missing} not there yet" if found.missing else "the first boot goes on"
                deadline.require(waits_for, found.last)
                await self._clock.sleep(LOOK_EVERY_S)
        finally:
            if host is not None:
                await host.close()

    async def _look(self, host: Host) -> Seen:
        told = await host.run(Command(("sh", "-s", "--", FIRST_BOOT_DONE), _LOOK.encode(), as_root=True))
        return seen(told.text)


def _require_going(found: Seen, name: str) -> None:
    if found.over:
        raise FreeholdError(
            Code.FAILED,
            f"{name}: the first boot is over ({found.boot}), and {found.missing or 'its end was not reached'}"
            f"{' is missing' if found.missing else ''}{f': {found.last}' if found.last else ''}",
            f"On the server: less /var/log/cloud-init-output.log. It can be repaired: freehold env check {name} --fix",
        )

"""What a push makes of a server, cut into parts: each reads its facts there, plans by them, and carries its plan out.

All parts are asked in one round trip (`deploy/facts.py`), planned before anything is changed (`--dry-run` shows no more
and no less than what is then done), and carried out in the order of the push's steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import msgspec

from freehold.hosts.host import Host


@dataclass(frozen=True)
class Change:
    """One thing that will be done on a server. `what` says it to people, in the present tense and with the full path
    or unit (`write /etc/ssh/sshd_config.d/01-freehold.conf`); `detail` are lines below it: a unified diff, a list of
    files, never a secret. `document` is for the part alone, and may hold secrets.
    """

    what: str
    detail: tuple[str, ...] = ()
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Part(Protocol):
    """One concern of a server: its accounts, its sshd, a project's release.

    `remote` is the text of a Python program for the server (3.11 and the standard library alone; `Refused` is there,
    see `hosts/script.py`) with `read(asked) -> facts`, which changes nothing, and whatever `carry_out` has it do.
    """

    @property
    def name(self) -> str:
        """A word, also that of its remote program."""
        ...

    @property
    def remote(self) -> str: ...

    def asked(self) -> Any:
        """The document that `read` gets there."""
        ...

    def plan(self, facts: msgspec.Raw) -> Sequence[Change]:
        """What is to be done, in this order, given what `read` answered; nothing when all is as it should be.

        Pure. Raises `FreeholdError` where the facts do not allow what is wanted, before anything was changed.
        """
        ...

    async def carry_out(self, host: Host, changes: Sequence[Change]) -> None:
        """Do what was planned. It may be cut off anywhere, and done again: the next push plans what is left then.

        Raises what the host raises, and FAILED where the server refuses; it then is as it was before, as far as this
        part goes.
        """
        ...


@runtime_checkable
class Preparing(Protocol):
    """What a part may have besides: work on this machine before anything is changed there (an image to build, packages
    to fetch), so that its failure leaves the server as it was."""

    async def prepare(self, changes: Sequence[Change]) -> None:
        """Make ready what `changes`, its own plan, will need. It is called for every part that has it and has changes,
        before the first part is carried out; a `carry_out` that nobody prepared for prepares itself."""
        ...

"""Who is told how far it is."""

from __future__ import annotations

from typing import Protocol

from freehold.deploy.provision.step import Step


class Progress(Protocol):
    """Called between the steps, and during those that take long."""

    def begins(self, step: Step) -> None: ...

    def says(self, text: str) -> None:
        """What is waited for, or was found; one sentence."""
        ...

    def ends(self, step: Step) -> None:
        """It is done, and not yet written down."""
        ...

"""A project that was put on a server by hand: one user, the project's own folder, no releases. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from freehold.project.home import HOME_VARIABLE
from freehold.project.state import KEEPER_PLACE, STATE_DIRECTORY
from freehold.server.layout import Layout


@dataclass(frozen=True, kw_only=True)
class ByHand(Layout):
    """Its units are those of a push, but for who and where. Gateway and keeper are processes of one user, of which the
    keeper's unit alone has the group of Docker.

    `folder` is the project's, `program_here` the one with `bin/freehold`, `home` what `FREEHOLD_HOME` is to be,
    `person` the user, with the primary group `persons_group` and the home directory `persons_home`.
    """

    folder: str
    program_here: str
    home: str
    person: str
    persons_group: str
    persons_home: str

    @property
    def current(self) -> str:
        return self.folder

    @property
    def program(self) -> str:
        return self.program_here

    @property
    def gateway_state(self) -> str:
        """The whole folder: what is to be written lies below it, and need not be there yet."""
        return self.folder

    @property
    def keeper_state(self) -> str:
        return self.folder

    @property
    def gateway_home(self) -> str:
        return self.persons_home

    @property
    def keeper_home(self) -> str:
        return self.persons_home

    @property
    def user(self) -> str:
        return self.person

    @property
    def keeper_user(self) -> str:
        return self.person

    @property
    def group(self) -> str:
        return self.persons_group

    def variables(self, home: str) -> Mapping[str, str]:
        """The keeper's place is where it is anyway: named, so that it is left to its unit to start it."""
        return {
            HOME_VARIABLE: self.home,
            KEEPER_PLACE: f"{self.folder}/{STATE_DIRECTORY}",
            "HOME": home,
            "PYTHONUNBUFFERED": "1",
        }

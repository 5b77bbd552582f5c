"""Where the state of a project lies."""

from __future__ import annotations

import os
from pathlib import Path

STATE_DIRECTORY = ".freehold"
STATE_PLACE = "FREEHOLD_STATE"
"""Names the folder on a server, where the project's own is a release that nobody may write to; its units set it."""
KEEPER_PLACE = "FREEHOLD_KEEPER_STATE"
"""Names the keeper's own folder there, where the keeper is another user than the gateway."""
PLACED_NAME = "FREEHOLD_PROJECT"
"""Names the project there: its folder is another one after each push, and its containers are found by this name."""


def state_directory(root: Path) -> Path:
    """The folder with what is known of the project's runs, and its sockets."""
    placed = os.environ.get(STATE_PLACE)
    return Path(placed) if placed else root / STATE_DIRECTORY


def keeper_directory(root: Path) -> Path:
    """The folder that the keeper writes to: runs, what they cost, its socket. The same one, unless it is said."""
    placed = os.environ.get(KEEPER_PLACE)
    return Path(placed) if placed else state_directory(root)


def is_placed() -> bool:
    """Whether gateway and keeper are two users here, who share a group, and units of systemd."""
    return bool(os.environ.get(KEEPER_PLACE))


def for_both(mode: int) -> int:
    """`mode`, which is for one user alone, where both have to read: what its owner reads and enters, the group does."""
    return mode | (mode & 0o500) >> 3 if is_placed() else mode


def placed_name() -> str:
    """The project's unique name where its folder does not tell it; else the empty string."""
    return os.environ.get(PLACED_NAME, "")

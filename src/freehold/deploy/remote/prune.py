"""Old releases on this server, their images, and what pushes that were cut off left half there."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from freehold.deploy.remote.unneeded_images import remove_unneeded

_GOING = ".removing-"
_HALF = (".incoming-", ".making-", _GOING)


def read(asked: dict[str, Any]) -> dict[str, Any]:
    names = _names(asked["releases"])
    return {"releases": [name for name in names if name[0] != "."], "half": [n for n in names if n.startswith(_HALF)]}


def main(told: dict[str, Any]) -> None:
    """Never the one that counts. Where Docker cannot be asked for the images of those that go, their folders stay as
    what is half there: the next push tries again."""
    releases = told["releases"]
    current = os.path.basename(os.readlink(told["current"])) if os.path.islink(told["current"]) else ""
    for name in told["remove"]:
        if name != current and os.path.isdir(f"{releases}/{name}"):
            os.rename(f"{releases}/{name}", f"{releases}/{_GOING}{name}")
    half = [name for name in _names(releases) if name.startswith(_HALF)]
    gone = [f"{releases}/{name}" for name in half if name.startswith(_GOING)]
    images_are_settled = remove_unneeded(told["docker"], releases, gone)
    for name in half:
        if images_are_settled or not name.startswith(_GOING):
            shutil.rmtree(f"{releases}/{name}", ignore_errors=True)


def _names(folder: str) -> list[str]:
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

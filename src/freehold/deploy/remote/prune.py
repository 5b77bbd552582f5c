"""Old releases on this server, and what pushes that were cut off left half there."""

from __future__ import annotations

import os
import shutil
from typing import Any

_HALF = (".incoming-", ".making-", ".removing-")


def read(asked: dict[str, Any]) -> dict[str, Any]:
    names = _names(asked["releases"])
    return {"releases": [name for name in names if name[0] != "."], "half": [n for n in names if n.startswith(_HALF)]}


def main(told: dict[str, Any]) -> None:
    """Never the one that counts."""
    releases = told["releases"]
    current = os.path.basename(os.readlink(told["current"])) if os.path.islink(told["current"]) else ""
    for name in told["remove"]:
        if name != current and os.path.isdir(f"{releases}/{name}"):
            os.rename(f"{releases}/{name}", f"{releases}/.removing-{name}")
    for name in _names(releases):
        if name.startswith(_HALF):
            shutil.rmtree(f"{releases}/{name}", ignore_errors=True)


def _names(folder: str) -> list[str]:
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

"""Counting what an agent left: whatever it left."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from freehold.runtime.host_workspaces import size_bytes

KILOBYTES = 64 * 1024


def filled(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(KILOBYTES))
    return path


def test_files_are_counted_wherever_they_lie(tmp_path: Path) -> None:
    place = tmp_path / "slot"
    place.mkdir()
    empty = size_bytes(place)
    filled(place / "home" / "a")
    filled(place / "workspace" / "deep" / "b")
    full = size_bytes(place)
    assert empty == 0
    assert full is not None
    assert full >= 2 * KILOBYTES


def test_links_lead_nowhere(tmp_path: Path) -> None:
    filled(tmp_path / "elsewhere" / "big")
    place = tmp_path / "slot"
    place.mkdir()
    (place / "in").symlink_to(tmp_path / "elsewhere")
    (place / "file").symlink_to(tmp_path / "elsewhere" / "big")
    found = size_bytes(place)
    assert found is not None
    assert found < KILOBYTES
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert size_bytes(tmp_path / "link") is None


def test_what_cannot_be_counted_is_unknown(tmp_path: Path) -> None:
    assert size_bytes(tmp_path / "nothing") is None
    for number in range(3):
        filled(tmp_path / "slot" / str(number))
    assert size_bytes(tmp_path / "slot", most_entries=2) is None


def test_folders_in_folders_without_end(tmp_path: Path) -> None:
    """Deeper than a path can be long: made step by step, as an agent would."""
    before, place = Path.cwd(), tmp_path / "slot"
    place.mkdir()
    os.chdir(place)
    try:
        for _ in range(2500):
            os.mkdir("d")  # noqa: PTH102  relative to where we are, which has no path any more
            os.chdir("d")
        assert size_bytes(place) is None
    finally:
        os.chdir(before)
        subprocess.run(["rm", "--recursive", str(place)], check=True)

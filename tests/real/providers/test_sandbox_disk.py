"""A disk without room for a sandbox is told before anything is made."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.docker_daemon import Daemon
from tests.support.program import Freehold

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.xdist_group("sandbox")]


@pytest.fixture
def small_engine(tmp_path: Path) -> Iterator[Daemon]:
    """A Docker engine that keeps its things on a disk of 300 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", str(place)], check=True)
    daemon = Daemon(place)
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.close()
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_full_disk(small_engine: Daemon, tmp_path: Path) -> None:
    freehold = Freehold(tmp_path, tmp_path / "home", {"DOCKER_HOST": small_engine.address})
    done = freehold("sandbox", "create", "box", "--env", "box")
    assert done.returncode == 1
    assert f"{tmp_path}/disk/data: " in done.stderr
    assert "a sandbox needs 1.0 GB" in done.stderr
    assert small_engine.docker("images", "--quiet") == ""
    assert not (tmp_path / "home/environments").exists()

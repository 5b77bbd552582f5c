"""A project that brings its own `.freehold`: nothing in it is taken for ours, and no command acts on it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_run_id
from freehold.client.keeper import connect


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A run that waits to be taken over, as the very user who looks at it; a lock and a log that lead elsewhere."""
    project, run_id = tmp_path / "project", new_run_id("evil")
    folder = project / ".freehold" / "runs" / run_id
    folder.mkdir(parents=True)
    (project / "config.toml").touch()
    view = {"run_id": run_id, "agent": "evil", "attempt": 1, "trigger": {}, "state": "queued", "queued_at": "",
            "engine": "host-user"}  # fmt: skip
    start = {"run_id": run_id, "agent": "evil", "trigger": {}, "options": {"as_caller": True}}
    (folder / "run.json").write_text(json.dumps({"v": 1, "view": view, "start": start, "step": "queued"}))
    (tmp_path / "precious").write_text("precious")
    for name in ("keeper.lock", "keeper.log"):
        (project / ".freehold" / name).symlink_to(tmp_path / "precious")
    return project


async def test_no_keeper_is_started_on_it(project: Path, tmp_path: Path) -> None:
    with pytest.raises(FreeholdError, match="came with the project") as caught:
        await connect(project, tmp_path / "home")
    assert caught.value.code is Code.DENIED
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_keeper_does_not_start_on_it(project: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "freehold.keeper", "--project", str(project), "--home", str(tmp_path / "home")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "came with the project" in done.stderr
    assert (tmp_path / "precious").read_text() == "precious"


async def test_a_socket_that_is_a_link_is_not_spoken_to(project: Path, tmp_path: Path) -> None:
    (project / ".freehold" / "keeper.sock").symlink_to(tmp_path / "somebody-elses.sock")
    with pytest.raises(FreeholdError, match="no keeper runs"):
        await connect(project, tmp_path / "home", start=False)

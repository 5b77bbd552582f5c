"""A teardown: of the containers there, those of runs go. What somebody made from our images has their labels, too."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from freehold.deploy.remote import program_text
from freehold.runtime.container_names import HELPER_LABEL, PROJECT_LABEL, RUN_LABEL

PROGRAM: dict[str, Any] = {"__name__": "removal"}
exec(program_text("removal"), PROGRAM)
LISTED = """\
fh-shop-dev-1\tshop\tdev-01\t
fh-shop-dev-1-net\tshop\t\tdev-01
a-persons-own\tshop\t\t
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What was asked of it."""
    asked, program = tmp_path / "asked", tmp_path / "bin/docker"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho \"$@\" >> {asked}\n[ $1 = ps ] && cat <<'END'\n{LISTED}END\nexit 0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return asked


def test_containers_of_runs_go_and_nobody_elses(docker: Path) -> None:
    PROGRAM["stop"]({"label": "dev.freehold.project=shop", "units": []})
    gone = [line.split()[-1] for line in docker.read_text().splitlines() if line.startswith("rm ")]
    assert gone == ["fh-shop-dev-1", "fh-shop-dev-1-net"]


def test_the_labels_are_those_of_runs() -> None:
    assert PROGRAM["_OF_RUNS"] == (RUN_LABEL, HELPER_LABEL)


def test_what_is_somebody_elses_is_not_counted_as_the_projects(docker: Path) -> None:
    found = PROGRAM["_in_docker"]({"label": PROJECT_LABEL})
    assert [what for project, what in found if project == "shop" and what.startswith("container")] == [
        "container fh-shop-dev-1", "container fh-shop-dev-1-net"
    ]  # fmt: skip

"""`freehold service-unit`: for whom, where to, and what is not overwritten."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path

import pytest

from tests.support.command import Answer, freehold
from tests.support.folders import one_agent, write_files

pytestmark = pytest.mark.root
NOBODY = pwd.getpwnam("nobody").pw_uid


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_files(tmp_path / "shop", one_agent('schedule = "0 0 1 1 *"\nmodels = ["sonnet"]\n'))


def units(project: Path, *words: str) -> Answer:
    return freehold("service-unit", *words, home=project.parent / "home", project=project)


def given_to_nobody(project: Path) -> None:
    for path in (project, *project.rglob("*")):
        os.chown(path, NOBODY, -1)


def test_the_units_are_printed_with_their_places(project: Path) -> None:
    given_to_nobody(project)
    done = units(project, "--port", "9000")
    assert done.code == 0, done.err
    for unit in ("freehold@shop.socket", "freehold-keeper@shop.service", "freehold@shop.service"):
        assert f"# /etc/systemd/system/{unit}\n# Written by `freehold service-unit`.\n" in done.out
    assert "ListenStream=127.0.0.1:9000\n" in done.out
    assert "User=nobody\n" in done.out
    told = json.loads(units(project, "--json").out)
    assert set(told) == {"freehold@shop.socket", "freehold-keeper@shop.service", "freehold@shop.service"}


def test_a_unit_of_somebody_else_is_not_overwritten(project: Path, tmp_path: Path) -> None:
    given_to_nobody(project)
    folder = tmp_path / "units"
    folder.mkdir()
    theirs = folder / "freehold@shop.service"
    theirs.write_text("# Written by freehold; it is written anew by the next push.\n")
    done = units(project, "--output", str(folder))
    assert (done.code, len(list(folder.iterdir()))) == (1, 1)
    assert str(theirs) in done.err
    theirs.unlink()
    for _ in range(2):  # its own it writes anew
        done = units(project, "--output", str(folder))
        assert (done.code, len(done.out.splitlines())) == (0, 3), done.err
    assert "systemctl daemon-reload" in done.err


def test_it_is_nobodys_who_is_root(project: Path) -> None:
    refused = units(project)
    assert (refused.code, "not to be root's" in refused.err) == (2, True)
    unknown = units(project, "--user", "nobody-of-this-name")
    assert "useradd" in unknown.err

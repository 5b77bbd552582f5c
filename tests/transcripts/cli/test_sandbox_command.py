"""`freehold sandbox` before it comes to Docker: what it refuses, and which `ssh` it would start."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from freehold.cli.context import Context
from freehold.cli.sandbox import login_command
from freehold.store.environments import Environments
from tests.support.command import freehold


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def no_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")


@pytest.mark.usefixtures("no_docker")
@pytest.mark.parametrize(
    "words", [("create", "box"), ("list",), ("ssh", "box"), ("remove", "box", "--yes"), ("remove", "--all"), ("prune",)]
)
def test_without_docker_every_command_says_so_with_exit_code_5(words: tuple[str, ...], home: Path) -> None:
    answer = freehold("sandbox", *words, home=home)
    assert answer.code == 5
    assert "there is no" in answer.err
    assert not (home / "environments").exists()


@pytest.mark.usefixtures("no_docker")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("create", "Not A Name"), "is not a name for a sandbox"),
        (("create", "box", "--memory", "lots"), "--memory:"),
        (("create", "box", "--memory", "10m"), "at least 256 MB"),
        (("create", "box", "--debian", "11"), "'11' is not one of"),
        (("create", "box", "--env", "No Name"), "is not a name for an environment"),
        (("create", "box", "--env", "local"), "means the project on this machine"),
        (("remove",), "name a sandbox, or give --all"),
        (("remove", "box", "--all"), "name a sandbox, or give --all"),
    ],
)
def test_what_makes_no_sense_is_refused_before_docker_is_asked(words: tuple[str, ...], told: str, home: Path) -> None:
    answer = freehold("sandbox", *words, home=home)
    assert answer.code == 2
    assert told in answer.err


@pytest.mark.usefixtures("no_docker")
def test_an_environment_that_is_there_is_told_before_a_minute_is_spent(home: Path) -> None:
    Environments(home).add("prod", '[server]\nhost = "192.0.2.1"\n')
    answer = freehold("sandbox", "create", "box", "--env", "prod", home=home)
    assert answer.code == 1
    assert "environment prod is there already" in answer.err


@pytest.mark.usefixtures("no_docker")
def test_the_key_is_made_once_and_never_shown(home: Path) -> None:
    first = freehold("sandbox", "create", "box", home=home)
    key = (home / "credentials/vps_ssh/default/private_key").read_text()
    second = freehold("sandbox", "create", "box", home=home)
    assert "made the key vps_ssh" in first.err
    assert "made the key" not in second.err
    assert (home / "credentials/vps_ssh/default/private_key").read_text() == key
    assert key.splitlines()[1] not in first.everything + second.everything


@pytest.mark.parametrize("folder", ["plain", "with space", "per%cent", 'quo"te', "%h"])
def test_ssh_finds_our_key_and_known_hosts_whatever_the_home_is_called(folder: str, tmp_path: Path) -> None:
    home = tmp_path / folder
    words = login_command(Context(home=home), "192.0.2.7", "true")
    assert words[-4:] == ["root", "--", "192.0.2.7", "true"]
    # `ssh -G` says what it made of its words, without connecting; it shows a percent sign as it was written.
    told = subprocess.run([words[0], "-G", *words[1:]], capture_output=True, text=True, check=True).stdout
    settings = dict(line.split(" ", 1) for line in told.splitlines() if " " in line)
    assert settings["identityfile"].replace("%%", "%") == f"{home}/credentials/vps_ssh/default/private_key"
    assert settings["userknownhostsfile"].replace("%%", "%") == f"{home}/known_hosts"
    assert settings["stricthostkeychecking"] == "true"
    assert settings["user"] == "root"

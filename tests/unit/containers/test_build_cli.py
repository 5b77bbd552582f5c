from __future__ import annotations

import os
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.containers.build import BuildRequest, command
from freehold.containers.build_cli import BuildCli, Candidate, choose, find_build_cli

OLD = Candidate("/usr/bin/docker", "Docker version 20.10.24+dfsg1, build 297e128", has_buildx=False)
NEW = Candidate("/opt/docker", "Docker version 26.1.5+dfsg1, build a72d7cd", has_buildx=True)
BARE = Candidate("/usr/local/bin/docker", "Docker version 28.2.2, build e6534b4", has_buildx=False)
PODMAN = Candidate("/bin/docker", "podman version 5.4.2", has_buildx=False)

CHOICES = [
    ("the first that can", [OLD], BuildCli(OLD.program, has_buildx=False)),
    ("a new one without the plugin cannot", [BARE, OLD], BuildCli(OLD.program, has_buildx=False)),
    ("one with the plugin before an old one", [OLD, NEW], BuildCli(NEW.program, has_buildx=True)),
    ("something else cannot", [PODMAN, BARE, NEW], BuildCli(NEW.program, has_buildx=True)),
]


@pytest.mark.parametrize(("candidates", "expected"), [case[1:] for case in CHOICES], ids=[case[0] for case in CHOICES])
def test_which_program_builds(candidates: list[Candidate], expected: BuildCli) -> None:
    assert choose(candidates) == expected


@pytest.mark.parametrize("candidates", [[], [BARE], [BARE, PODMAN]])
def test_none_can(candidates: list[Candidate]) -> None:
    with pytest.raises(FreeholdError, match="No docker program here can build") as caught:
        choose(candidates)
    assert caught.value.code is Code.UNREACHABLE
    assert all(candidate.program in caught.value.message for candidate in candidates)
    assert "docker-buildx" in caught.value.hint


def program(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True)
    path = folder / "docker"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


async def test_every_docker_in_path_is_looked_at(tmp_path: Path) -> None:
    bare = program(tmp_path / "bare", '[ "$1" = --version ] && echo "Docker version 28.2.2, build e" && exit\nexit 1')
    program(tmp_path / "broken", "exec /nonexistent")
    able = program(tmp_path / "able", '[ "$1" = --version ] && echo "Docker version 20.10.24, build 2" && exit\nexit 1')
    (tmp_path / "folder" / "docker").mkdir(parents=True)
    path = os.pathsep.join(str(tmp_path / name) for name in ("nowhere", "folder", "bare", "broken", "able"))
    assert await find_build_cli({"PATH": path}) == BuildCli(str(able), has_buildx=False)
    with pytest.raises(FreeholdError, match=r"28\.2\.2"):
        await find_build_cli({"PATH": str(bare.parent)})


REQUEST = BuildRequest("a:1", Path("/f/Dockerfile"), Path("/f/context"), {"FROM": "x"}, {"l": "v"})


def test_the_command_without_the_plugin() -> None:
    assert command(BuildCli("docker", has_buildx=False), REQUEST, {}) == (
        *("docker", "build", "--progress=plain", "--tag", "a:1", "--file", "/f/Dockerfile"),
        *("--build-arg", "FROM=x", "--label", "l=v", "/f/context"),
    )


def test_the_command_with_the_plugin_builds_on_the_engine_itself() -> None:
    words = command(BuildCli("docker", has_buildx=True), REQUEST, {})
    assert words[:7] == ("docker", "buildx", "build", "--builder", "default", "--load", "--provenance=false")


def test_a_proxy_is_passed_by_name_and_its_password_is_not_in_argv() -> None:
    environment = {"HTTPS_PROXY": "http://user:hunter22@proxy:3128", "NO_PROXY": "", "OTHER": "1"}
    words = command(BuildCli("docker", has_buildx=False), REQUEST, environment)
    assert words[words.index("HTTPS_PROXY") - 1] == "--build-arg"
    assert "NO_PROXY" not in words
    assert not [word for word in words if "hunter22" in word]

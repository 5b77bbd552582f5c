"""The recipes that travel with the program agree with the rest of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.project.dockerfiles.syntax import parse
from freehold.project.harnesses import BUILTIN, HARNESSES
from freehold.runtime.images import debian, packaged
from freehold.runtime.images.harness_layers import HARNESS_LAYERS
from freehold.runtime.images.layers import CLOSING

ROOT = Path(__file__).parents[3]
ALIASES = {
    *("al-status", "al-rerun", "al-return", "al-exit", "al-shutdown"),
    *("al-subagent", "al-subagent-check", "al-subagent-wait"),
    *("rlock", "runlock", "rlock-heartbeat", "setenv"),
}
"""The commands that agents written for Action Llama call."""


def requirements() -> dict[str, str]:
    text = (packaged.BASE_FOLDER / "requirements.txt").read_text("utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", text, re.MULTILINE))


def test_the_requirements_are_those_of_the_lock() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))
    locked = {package["name"]: package["version"] for package in lock["package"] if "version" in package}
    found = requirements()
    assert found == {name: locked[name] for name in found}
    assert {"msgspec", "websockets", "pydantic-ai-slim"} <= found.keys()


def test_the_requirements_are_what_the_script_writes() -> None:
    if not (ROOT / ".venv/bin/uv").exists():
        pytest.skip("needs uv: make setup")
    script = [str(ROOT / "scripts/export-requirements"), "--check"]
    answer = subprocess.run(script, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr


def test_every_requirement_has_a_hash() -> None:
    text = (packaged.BASE_FOLDER / "requirements.txt").read_text("utf-8").replace("\\\n", " ")
    assert all("--hash=sha256:" in line for line in text.splitlines() if line.strip())


def test_what_travels_is_the_program_and_nothing_else() -> None:
    files = packaged.base_files({"a.crt": b"x"}).files
    packages = {path.split("/")[1] for path in files if path.startswith("freehold/")}
    assert packages == {"__init__.py", "base", "wire", "runner", "harness"}
    assert not [path for path in files if "__pycache__" in path]
    assert files["ca/a.crt"] == b"x"


def test_certificates_count_for_the_base() -> None:
    assert packaged.base_files({}).digest != packaged.base_files({"a.crt": b"x"}).digest


def test_the_base_has_the_names_that_agents_call() -> None:
    text = packaged.base_dockerfile()
    assert set(re.findall(r"[a-z-]+", text.partition("for name in ")[2].partition(";")[0])) == ALIASES
    assert {path.name for path in (packaged.BASE_FOLDER / "bin").iterdir()} == {"runner", "fh", "harness"}


def test_the_base_ends_as_every_image_ends() -> None:
    assert tuple(packaged.base_dockerfile().rstrip().splitlines()[-len(CLOSING) :]) == CLOSING


def test_our_own_program_is_copied_last() -> None:
    """So that an edit of the runner installs no dependency again."""
    instructions = parse(packaged.base_dockerfile()).instructions
    copied = next(
        index for index, each in enumerate(instructions) if each.keyword == "COPY" and each.operands[0] == "freehold/"
    )
    after = [each.arguments for each in instructions[copied:] if each.keyword == "RUN"]
    assert [line for line in after if "pip" in line or "apt-get" in line or "curl" in line] == []


@pytest.mark.parametrize("launcher", ["runner", "fh", "harness"])
def test_launchers_are_isolated_from_what_the_agent_sets(launcher: str) -> None:
    text = (packaged.BASE_FOLDER / "bin" / launcher).read_text("utf-8")
    assert text.startswith("#!/usr/bin/python3 -IS\n")
    module = re.search(r"^from (\S+) import main$", text, re.MULTILINE)
    assert module
    # In a fresh interpreter: nothing outside the tests may import what travels in the image.
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module[1]!r}) is None)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0, f"{module[1]} is not there"


@pytest.mark.parametrize("name", HARNESS_LAYERS)
def test_harness_versions_are_locked(name: str) -> None:
    folder = packaged.HARNESS_FOLDER / name
    wanted = json.loads((folder / "package.json").read_text("utf-8"))
    lock = json.loads((folder / "package-lock.json").read_text("utf-8"))
    direct = {**wanted.get("dependencies", {}), **wanted.get("optionalDependencies", {})}
    assert HARNESS_LAYERS[name].version in direct.values()
    for package, version in direct.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), f"{package} is not pinned"
        assert lock["packages"][f"node_modules/{package}"]["version"] == version
    for path, entry in lock["packages"].items():
        assert not path or entry.get("integrity"), f"{path} has no hash"
        assert "resolved" not in entry or entry["resolved"].startswith("https://registry.npmjs.org/")


def test_every_harness_has_a_layer() -> None:
    assert set(HARNESS_LAYERS) == set(HARNESSES) - {BUILTIN}


def test_the_debian_script_can_be_run_and_is_the_one_that_is_named() -> None:
    assert os.access(debian.SCRIPT, os.X_OK)
    error = debian.cannot_pull("debian:13-slim", "no such host")
    assert "debian:13-slim" in error.message
    assert error.hint.endswith(f"sudo {debian.SCRIPT}")
    wrapper = (ROOT / "scripts/debian-image").read_text("utf-8")
    assert "src/freehold/runtime/images/base/debian-image" in wrapper


@pytest.mark.parametrize(
    ("asked", "has_local", "chosen"),
    [("mine:1", True, "mine:1"), ("", True, "freehold-debian:13"), ("", False, "debian:13-slim")],
)
def test_the_choice_of_debian(asked: str, has_local: bool, chosen: str) -> None:
    assert debian.choose_from(asked, has_local=has_local) == chosen


async def test_what_keeps_a_local_debian_from_being_made_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")  # no docker, no sudo, no bash commands
    with pytest.raises(FreeholdError) as caught:
        await debian.make_local(lambda _line: None)
    assert caught.value.code is Code.IMAGE
    assert "freehold-debian:13 could not be made" in caught.value.message
    assert str(debian.SCRIPT) in caught.value.hint

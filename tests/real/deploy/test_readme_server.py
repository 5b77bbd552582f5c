"""The four commands of the README: a new project on a server, changed under load, broken, and taken down.

Typed as they stand there, but for the server's name, which others on this machine may have.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.load import Place, Request, load
from tests.support.pages import ROOT, Page
from tests.support.program import Freehold

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]
BOX = f"readme-{os.getpid()}"
HEADING = "## On a server"
WORKS_S = 45
_WORKERS = 8


def commands() -> list[list[str]]:
    """The words of each line."""
    text = Page(ROOT / "README.md").text
    block = re.search(rf"^{HEADING}\n\n```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    return [shlex.split(re.sub(r"\bbox\b", BOX, line), comments=True)[1:] for line in block[1].splitlines()]


class Reader:
    """Somebody with a new project; `says` is what a command prints, which ends with `code`."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self._type = Freehold(folder, self.home)
        self.says("new", "shop")
        self.project = folder / "shop"
        self._type = Freehold(self.project, self.home)

    def types(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        return self._type(*words)

    def says(self, *words: str, code: int = 0) -> str:
        done = self._type(*words)
        assert done.returncode == code, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def edit(self, text: str) -> None:
        skill = self.project / "agents/hello/SKILL.md"
        skill.write_text(f"{skill.read_text()}\n{text}\n")

    def write_agent(self, name: str, script: str) -> None:
        folder = self.project / "agents" / name
        folder.mkdir()
        (folder / "SKILL.md").write_text(f"---\nname: {name}\ndescription: Works.\n---\nWork.\n")
        (folder / "config.toml").write_text('schedule = "0 0 1 1 *"\n')
        (folder / "test-script.sh").write_text(f"#!/bin/bash\n{script}\n")
        (folder / "test-script.sh").chmod(0o755)

    @property
    def release(self) -> str:
        """The one that is at work."""
        return str(json.loads(self.says("status", "-E", BOX, "--json"))["release"])


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    made = Reader(tmp_path)
    made.says("creds", "add", "anthropic_key", "--field", "token=sk-ant-of-a-test")
    yield made
    made.types(["sandbox", "remove", BOX, "--yes"])


def visits() -> Iterator[Request]:
    """One address may ask for anything but deliveries forty times a second."""
    for number in itertools.count():
        yield Request() if number % 32 == 0 else Request("POST", "/webhooks/nobody", body=b"{}")


async def test_the_four_commands_are_true(reader: Reader) -> None:
    create, push, push_again, take_down = commands()
    address = reader.says(*create).strip()
    reader.write_agent("worker", f"sleep {WORKS_S}; fh return done")
    reader.says(*push)
    first = reader.release
    reader.says("run", "worker", "-d", "-E", BOX)
    async with load(Place(address, 80, address), visits, _WORKERS) as outcome:
        reader.edit("Be brief.")
        await asyncio.to_thread(reader.says, *push_again)
    second = reader.release
    assert second != first
    assert (outcome.lost, set(outcome.statuses)) == ([], {200, 404})
    _breaks_and_goes_back(reader, push_again, second)
    run = json.loads(reader.says("runs", "worker", "--json", "-E", BOX))
    if run["state"] != "finished":
        reader.says("logs", "worker", "-f", "-E", BOX)
        run = json.loads(reader.says("runs", "worker", "--json", "-E", BOX))
    assert (run["result"], run["return_value"], run["attempt"]) == ("completed", "done", 1)
    reader.says(*take_down)
    _nothing_is_left(reader)


def _breaks_and_goes_back(reader: Reader, push: list[str], before: str) -> None:
    """A database that cannot be reached: this machine cannot know."""
    config = reader.project / "config.toml"
    sound = config.read_text()
    config.write_text(f'database_url = "postgresql://nobody@127.0.0.1:1/none"\n{sound}')
    told = reader.types(push)
    assert told.returncode == 6, told.stderr
    assert reader.release == before
    config.write_text(sound)


def _nothing_is_left(reader: Reader) -> None:
    listed = ["docker", "ps", "--all", "--quiet"], ["docker", "volume", "ls", "--quiet"]
    for command in listed:
        words = [*command, "--filter", f"label=dev.freehold.sandbox={BOX}"]
        assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == ""
    assert json.loads(reader.says("env", "list", "--json")) == []

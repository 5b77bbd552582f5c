"""The story that the documentation tells, typed as it stands there: from `new` to an agent that a webhook starts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import Installation, until
from tests.support.pages import DOCS, Block, Page
from tests.support.program import PROGRAM

pytestmark = pytest.mark.docker
STORY = Page(DOCS / "first-service.md")
AT_ITS_END = ", at its end"
PROJECT = "shop"


class Reader:
    """Somebody who has nothing but the page: writes the files it shows, types the lines it shows."""

    def __init__(self, folder: Path) -> None:
        self.here = Installation(folder, PROJECT)
        (self.here.project / "config.toml").unlink()
        self.here.project.rmdir()
        self.folder = folder
        self.environment = {**self.here.environment, "PATH": f"{PROGRAM.parent}:{self.here.environment['PATH']}"}
        self.said = ""
        self.running: list[subprocess.Popen[str]] = []

    def follow(self, block: Block) -> None:
        if block.language != "sh":
            self.write(block)
        elif block.title:
            self.leave_running(block.text)
        else:
            self.type(block.text)

    def type(self, lines: str) -> None:
        done = subprocess.run(
            ["bash", "-euc", lines], cwd=self.folder, env=self.environment, text=True, capture_output=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        self.said += done.stdout
        if "cd " in lines:
            self.folder = self.here.project

    def write(self, block: Block) -> None:
        path = self.folder / block.title.removesuffix(AT_ITS_END)
        before = path.read_text() if block.title.endswith(AT_ITS_END) else ""
        path.write_text(before + block.text)

    def leave_running(self, line: str) -> None:
        words = line.split()[1:]
        with (self.folder.parent / "out").open("w") as out:
            # Any free port: the page's own may be taken on this machine.
            self.running.append(self.here.start(*words, "--port", "0", stdout=out, stderr=out))
        until(lambda: self.here.freehold("status", code=None).returncode == 0)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    reader.here.freehold("stop", code=None)
    for process in reader.running:
        process.wait(timeout=60)
    reader.here.close()


def test_the_story_is_true(reader: Reader) -> None:
    for block in STORY.blocks("sh", "toml", "yaml", "json", "markdown"):
        reader.follow(block)
    assert "✓ triage would start" in reader.said
    assert "returned: hardware" in reader.said
    run = json.loads(reader.here.freehold("runs", "triage", "--json").stdout)
    assert (run["result"], run["trigger"]["source"]) == ("completed", "hub")

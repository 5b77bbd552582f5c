"""The page about webhooks names every type and every filter, and its examples are right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from freehold.project.load import check
from freehold.project.webhook_types import SOURCE_TYPES
from tests.support.folders import MODEL, one_agent, write_files
from tests.support.pages import DOCS, Page

PAGE = Page(DOCS / "webhooks.md")
TEXT = (DOCS / "webhooks.md").read_text()
SOURCES = {"hub": "github", "lab": "gitlab", "forge": "forgejo", "errors": "sentry", "linear": "linear",
           "slack": "slack", "discord": "discord", "x": "twitter", "docs": "mintlify"}  # fmt: skip
"""What the examples call their sources."""

TRIGGERS = [block.text for block in PAGE.blocks("toml") if "[[webhooks]]" in block.text]
PROJECTS = [block.text for block in PAGE.blocks("toml") if "[webhooks." in block.text]
MESSAGES = Path(DOCS.parent / "src" / "freehold" / "webhooks")


def rows(heading: str) -> list[str]:
    """The lines of the table below a heading."""
    below = TEXT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return [line for line in below.splitlines() if line.startswith("| `")]


def names(line: str) -> list[str]:
    return re.findall(r"`([a-z_]+)`", line.split("|")[1])


def test_every_type_is_told_what_to_enter_and_which_credential() -> None:
    told = {name: line for line in rows("What to enter where") for name in names(line)}
    assert told.keys() == SOURCE_TYPES.keys()
    for name, line in told.items():
        assert f"`{SOURCE_TYPES[name].secret_type}`" in line or not SOURCE_TYPES[name].secret_type


def test_every_filter_is_explained() -> None:
    explained = {name for line in rows("Which deliveries start an agent") for name in names(line)}
    assert explained == {key.name for kind in SOURCE_TYPES.values() for key in kind.filters}


@pytest.mark.parametrize("text", TRIGGERS)
def test_examples_of_triggers_are_right(tmp_path: Path, text: str) -> None:
    sources = "".join(f'[webhooks.{name}]\ntype = "{kind}"\n' for name, kind in SOURCES.items())
    files = one_agent(f"models = ['sonnet']\n{text}", project=MODEL + sources)
    report = check(write_files(tmp_path, files), home=tmp_path / "home")
    assert [str(problem) for problem in report.problems.errors] == []


@pytest.mark.parametrize("text", PROJECTS)
def test_examples_of_sources_are_right(tmp_path: Path, text: str) -> None:
    report = check(write_files(tmp_path, {"config.toml": text}), home=tmp_path / "home")
    assert [str(problem) for problem in report.problems.errors] == []


def test_there_are_examples() -> None:
    assert len(TRIGGERS) >= 8
    assert len(PROJECTS) >= 3


def test_what_is_said_to_stand_in_the_log_does() -> None:
    source = "".join(path.read_text() for path in MESSAGES.glob("*.py"))
    for line in rows("What is refused"):
        words = re.sub(r"\d+ min \d+ s ago|1 secret", "", line.split("`")[1]).strip()
        assert words in source, line

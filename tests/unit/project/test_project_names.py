from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.project import names

GOOD = ["dev", "a", "a1", "release-notes", "0", "x" * 64]
BAD = ["", "-a", "a-", "a--b", "A", "a_b", "a.b", "a/b", "..", "a b", "é", "default", "x" * 65, "a\n"]


@pytest.mark.parametrize("name", GOOD)
def test_good_agent_names(name: str) -> None:
    assert names.agent_name_problem(name) == ""


@pytest.mark.parametrize("name", BAD)
def test_bad_agent_names(name: str) -> None:
    assert names.agent_name_problem(name) != ""


@given(st.text())
def test_a_projects_slug_is_legal_everywhere(name: str) -> None:
    slug = names.project_slug(name)
    assert 1 <= len(slug) <= names.LONGEST_PROJECT_NAME
    assert names.agent_name_problem(slug) == "" or slug == "default"


def test_two_projects_of_one_name_never_meet(tmp_path: Path) -> None:
    one = names.unique_project_name("acme", tmp_path / "a")
    other = names.unique_project_name("acme", tmp_path / "b")
    assert one != other
    assert one == names.unique_project_name("acme", tmp_path / "a")


def test_what_things_are_called() -> None:
    """`docs/interfaces.md`, "Files and names"."""
    run = "dev-01kabcdefghjkmnpqrstvwxyz0"
    assert names.container_name("acme-1a2b", "dev", run) == "fh-acme-1a2b-dev-stvwxyz0"
    assert names.volume_name("acme-1a2b", "dev", 0) == "fh-acme-1a2b-dev-0"
    assert names.project_image("acme-1a2b") == "freehold-acme-1a2b-base"
    assert names.agent_image("acme-1a2b", "dev") == "freehold-acme-1a2b-dev"
    assert names.harness_image("opencode") == "freehold-harness-opencode"


def test_an_agent_called_base_is_not_the_projects_base() -> None:
    assert names.agent_image("acme-1a2b", "base") != names.project_image("acme-1a2b")


@pytest.mark.parametrize(("name", "good"), [("prod", True), ("a-b", True), ("-a", False), ("A", False), ("..", False)])
def test_environment_names(name: str, good: bool) -> None:
    assert (names.environment_name_problem(name) == "") is good
    assert names.environment_name_problem("x" * 51) != ""

"""A project may be a stranger's: nothing of it leads out of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from freehold.base.errors import FreeholdError
from freehold.project.load import check, load_project
from tests.support.folders import one_agent, write_files


def _link(name: str, target: str) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        path = root / name
        if path.exists():
            path.rename(root.parent / path.name)
        path.symlink_to(target)

    return make


def _pipe(name: str) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        (root / name).unlink(missing_ok=True)
        os.mkfifo(root / name)

    return make


LINK = "is a link; put the {} itself in its place"
CASES: list[tuple[Callable[[Path], None], str]] = [
    (_link("config.toml", "/dev/zero"), "config.toml: cannot be read: " + LINK.format("file")),
    (_link(".env.toml", "../secret"), ".env.toml: cannot be read: " + LINK.format("file")),
    (_link("Dockerfile", "/dev/zero"), "Dockerfile: cannot be read: " + LINK.format("file")),
    (_link("shared", "/etc"), "shared: " + LINK.format("folder")),
    (_link("agents", "../agents"), "agents: " + LINK.format("folder")),
    (_link("agents/dev", "../../dev"), "agents/dev: " + LINK.format("folder")),
    (_link("agents/dev/SKILL.md", "/dev/zero"), "agents/dev/SKILL.md: cannot be read: " + LINK.format("file")),
    (_link("agents/dev/config.toml", "/dev/zero"), "agents/dev/config.toml: cannot be read: " + LINK.format("file")),
    (_link("agents/dev/Dockerfile", "/etc/hostname"), "agents/dev/Dockerfile: cannot be read: " + LINK.format("file")),
    (_pipe("config.toml"), "config.toml: cannot be read: is no plain file"),
    (_pipe("agents/dev/SKILL.md"), "agents/dev/SKILL.md: cannot be read: is no plain file"),
]


@pytest.mark.parametrize(
    ("make", "message"), CASES, ids=[row[1].partition(":")[0] + str(n) for n, row in enumerate(CASES)]
)
def test_what_is_no_file_or_folder_of_its_own_is_an_error(
    tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    root = write_files(tmp_path / "project", {**one_agent(), "shared/note": "x"})
    # What a stranger would like to be read is ignored by the copies that runs get: only reading is left to stop it.
    (root / "agents/dev/.freeholdignore").write_text("*\n")
    make(root)
    report = check(root, home=tmp_path)
    assert message in [str(problem) for problem in report.problems.errors]
    with pytest.raises(FreeholdError):
        load_project(root, home=tmp_path).agent("dev")


def test_an_environment_may_be_a_link(tmp_path: Path) -> None:
    """It lies in the user's own home, where many keep files elsewhere and link to them."""
    root = write_files(tmp_path / "project", one_agent())
    write_files(tmp_path, {"dotfiles/prod.toml": "[local]\ntimeout = 77\n", "home/environments/.keep": ""})
    (tmp_path / "home/environments/prod.toml").symlink_to(tmp_path / "dotfiles/prod.toml")
    assert load_project(root, home=tmp_path / "home", environment="prod").config.local.timeout_s == 77

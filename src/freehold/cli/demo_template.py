"""The demo's project: laid out once, and then left to the person who edits it."""

from __future__ import annotations

import importlib.resources
from importlib.resources.abc import Traversable
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.cli.demo_setting import Setting

_MARK = "# The demo's project."


def lay_out(project: Path, setting: Setting) -> None:
    """Make the project at `project`, or bring an earlier demo's up to date; files that are there are not overwritten.

    Raises CONFLICT when something else is there.
    """
    config = project / "config.toml"
    if project.exists() and any(project.iterdir()) and not _is_ours(config):
        raise FreeholdError(
            Code.CONFLICT, f"{project} exists and is no demo project", "Choose another folder: --into FOLDER"
        )
    template = importlib.resources.files("freehold.cli") / "demo_project"
    _copy_missing(template, project)
    (project / ".gitignore").write_text(".freehold/\n.env.toml\n")
    (project / ".env.toml").write_text(setting.overlay)


def _is_ours(config: Path) -> bool:
    return config.is_file() and config.read_text(encoding="utf-8", errors="replace").startswith(_MARK)


def _copy_missing(source: Traversable, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for entry in source.iterdir():
        copy = target / entry.name
        if entry.is_dir():
            _copy_missing(entry, copy)
        elif not copy.exists():
            copy.write_bytes(entry.read_bytes())

"""The demo's project: laid out once, and then left to the person who edits it."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.resources
import os
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.cli.demo_setting import Setting

_MARK = "# The demo's project."
_ELSEWHERE = "Choose another folder: --into FOLDER"


def lay_out(project: Path, setting: Setting) -> None:
    """Make the project at `project`, or bring an earlier demo's up to date; files that are there are not overwritten.

    Raises CONFLICT when something else is there, FAILED when it cannot be written.
    """
    try:
        if project.exists() and not (_is_ours(project / "config.toml") or _is_empty(project)):
            raise FreeholdError(Code.CONFLICT, f"{project} exists and is no demo project", _ELSEWHERE)
        _copy_missing(importlib.resources.files("freehold.cli") / "demo_project", project)
        (project / ".gitignore").write_text(".freehold/\n.env.toml\n")
        (project / ".env.toml").write_text(setting.overlay)
    except OSError as error:
        raise FreeholdError(Code.FAILED, f"cannot make {project}: {error.strerror or error}", _ELSEWHERE) from error


@contextlib.contextmanager
def alone_in(project: Path) -> Iterator[None]:
    """Two demos would remove each other's repository. Raises CONFLICT while another one is at work in `project`."""
    handle = os.open(project, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            hint = "Wait for its end, or choose another folder: --into FOLDER"
            raise FreeholdError(Code.CONFLICT, f"another demo is at work in {project}", hint) from None
        yield
    finally:
        os.close(handle)


def _is_empty(project: Path) -> bool:
    return project.is_dir() and not any(project.iterdir())


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

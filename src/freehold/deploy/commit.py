"""Which commit a project's folder stands at, without running anything that its repository names.

A repository that was unpacked, and not cloned, brings its configuration and its hooks along, and so does each of its
submodules: filters, monitors, ways to fetch what is missing. Git offers no switch against all of them. So its
configuration is used for one question only, which begins no program; whether files differ is asked of an empty
repository of ours, which borrows its objects and a copy of its index.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from freehold.base.plain_file import read_plain

_LARGEST_INDEX_BYTES = 64 * 1024 * 1024
"""Some half a million files."""
_TIMEOUT_S = 5.0
_LENGTH = 12
_SHA256_LENGTH = 64
_NO_PROGRAM = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
_WHERE = ("rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-path", "objects", "HEAD")
_REFRESH = ("update-index", "-q", "--ignore-submodules", "--refresh")
_COMPARE = ("diff-index", "--quiet", "--no-ext-diff", "--ignore-submodules=all", "HEAD", "--")


def commit_of(root: Path) -> str:
    """The first twelve letters of the commit, with `+` when files differ from it, or that cannot be told; empty without
    git, and before the first commit. Submodules are not looked into."""
    try:
        asked = _git(root, _WHERE, {})
        top, git_dir, objects, commit = asked.stdout.splitlines()
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return ""
    if asked.returncode:
        return ""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        if not _differs(Path(top), Path(git_dir), root / objects, commit):
            return commit[:_LENGTH]
    return f"{commit[:_LENGTH]}+"


def _differs(top: Path, git_dir: Path, objects: Path, commit: str) -> bool:
    with tempfile.TemporaryDirectory(prefix="freehold-git-") as name:
        ours = Path(name)
        _lay_out(ours, commit)
        (ours / "index").write_bytes(read_plain(git_dir / "index", _LARGEST_INDEX_BYTES))
        environment = {
            "GIT_DIR": name,
            "GIT_WORK_TREE": str(top),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(objects),
        }
        _git(top, _REFRESH, environment)  # says of what differs that it does, and then fails
        return _git(top, _COMPARE, environment).returncode != 0


def _lay_out(ours: Path, commit: str) -> None:
    for folder in ("objects", "refs"):
        (ours / folder).mkdir()
    extension = "\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n"
    usual = "\trepositoryformatversion = 0\n"
    (ours / "config").write_text(f"[core]\n{extension if len(commit) == _SHA256_LENGTH else usual}")
    (ours / "HEAD").write_text(f"{commit}\n")


def _git(folder: Path, words: tuple[str, ...], more: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    usual = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or _is_persons(name)}
    environment = usual | {
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        **more,
    }
    return subprocess.run(
        ("git", *_NO_PROGRAM, *words), cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=_TIMEOUT_S, check=False,
    )  # fmt: skip


def _is_persons(name: str) -> bool:
    """A configuration of their own, as CI services have it; the others are of another repository (git(1))."""
    return name.startswith("GIT_CONFIG_")


def _quoted(path: Path) -> str:
    """As git reads a list of paths (git(1), GIT_ALTERNATE_OBJECT_DIRECTORIES)."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'

"""The log of a project's service where nobody reads it as it comes: in a file beside the other state."""

from __future__ import annotations

import os
from pathlib import Path

from freehold.base.files import PRIVATE_FILE
from freehold.project.state import state_directory

LOG_FILE = "service.log"
LARGEST_BYTES = 8 * 1024 * 1024


def service_log(project: Path) -> Path:
    """What it grew to in earlier lives is kept once, beside it."""
    path = state_directory(project) / LOG_FILE
    if path.exists() and path.stat().st_size > LARGEST_BYTES:
        path.replace(path.with_name(f"{LOG_FILE}.1"))
    return path


def open_log(path: Path) -> int:
    """A descriptor that appends; the file is this user's alone, and never a link to another one."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE_FILE)

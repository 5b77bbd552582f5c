"""What every command knows: where the project and the user's home are, and how to speak."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path


def _home() -> Path:
    return Path(os.environ.get("FREEHOLD_HOME") or Path.home() / ".freehold")


@dataclass
class Context:
    """The global options, as one object (`click.pass_obj`)."""

    project_dir: Path = field(default_factory=Path.cwd)
    home: Path = field(default_factory=_home)
    environment: str = field(default_factory=lambda: os.environ.get("FREEHOLD_ENV", ""))
    json: bool = False
    quiet: bool = False
    debug: bool = False
    no_input: bool = False

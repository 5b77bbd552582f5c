"""What every command knows: where the project and the user's home are, and how to speak."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from freehold.project.home import freehold_home


@dataclass
class Context:
    """The global options, as one object (`click.pass_obj`)."""

    project_dir: Path = field(default_factory=Path.cwd)
    home: Path = field(default_factory=lambda: freehold_home(os.environ))
    environment: str = field(default_factory=lambda: os.environ.get("FREEHOLD_ENV", ""))
    json: bool = False
    quiet: bool = False
    debug: bool = False
    no_input: bool = False

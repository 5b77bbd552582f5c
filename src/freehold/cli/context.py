"""What every command knows: where the project and the user's home are, and how to speak."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Context:
    """The global options, as one object (`click.pass_obj`)."""

    project_dir: Path = field(default_factory=Path.cwd)
    home: Path = field(default_factory=Path.home)
    environment: str = ""
    json: bool = False
    quiet: bool = False
    debug: bool = False
    no_input: bool = False

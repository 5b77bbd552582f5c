"""What every command knows: where the project and the user's home are, and how to speak."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from freehold.project.home import freehold_home

LOCAL = "local"
"""As `project/names.py` has it, which commands that need no names do not load."""
_OVERLAY_FILE = ".env.toml"


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


def environment_of(context: Context) -> str:
    """The environment that counts for what is asked of a running project: that of `-E` or `FREEHOLD_ENV`, else the one
    that the project is bound to. Empty for the project on this machine, which `-E local` names."""
    if context.environment:
        return "" if context.environment == LOCAL else context.environment
    if not (context.project_dir / _OVERLAY_FILE).exists():
        return ""
    from freehold.project.load import chosen_environment  # 30 ms, which a project without that file need not wait for

    return chosen_environment(context.project_dir, "")

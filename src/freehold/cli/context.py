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
    that the project is bound to, if that leads anywhere. Empty for the project on this machine, which `-E local` names.

    Raises NOT_FOUND and CONFIG of the environment that the project is bound to."""
    if context.environment:
        return "" if context.environment == LOCAL else context.environment
    if not _may_be_bound(context.project_dir / _OVERLAY_FILE):
        return ""
    from freehold.client.environment_address import has_address
    from freehold.project.overlay import chosen_environment

    bound = chosen_environment(context.project_dir, "")
    return bound if bound and has_address(context.home, bound) else ""


def _may_be_bound(overlay: Path) -> bool:
    """A look that costs nothing: to load what reads such a file takes 40 ms, and hardly any project is bound."""
    try:
        return b"environment" in overlay.read_bytes()
    except OSError:
        return False

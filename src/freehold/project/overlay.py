"""`.env.toml`, what a checkout says for itself: the environment that it is bound to, and what it lays over the project.

Apart from `load.py`, so that who only asks for the environment does not load what a whole project needs.
"""

from __future__ import annotations

from pathlib import Path

from freehold.project.names import LOCAL
from freehold.project.problems import Problems
from freehold.project.toml import read_toml

OVERLAY_FILE = ".env.toml"


def chosen_environment(root: Path, environment: str) -> str:
    """The environment that counts when `environment` was asked for: else what `.env.toml` says, else none."""
    if environment:
        return "" if environment == LOCAL else environment
    named = read_toml(root / OVERLAY_FILE, OVERLAY_FILE, Problems()).get("environment")
    return named if isinstance(named, str) else ""

"""The user's home of Freehold, and what lives in it (`docs/interfaces.md`, "Files and names")."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

HOME_VARIABLE = "FREEHOLD_HOME"
ENVIRONMENT_VARIABLE = "FREEHOLD_ENV"


def freehold_home(environ: Mapping[str, str]) -> Path:
    """`FREEHOLD_HOME`, else `~/.freehold` of the user that `HOME` names. Absolute; it need not exist."""
    chosen = environ.get(HOME_VARIABLE, "")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return Path(environ.get("HOME") or Path.home()) / ".freehold"


def credentials_directory(home: Path) -> Path:
    return home / "credentials"


def environment_file(home: Path, name: str) -> Path:
    return home / "environments" / f"{name}.toml"


def environment_names(home: Path) -> list[str]:
    """The environments that there are, sorted."""
    return sorted(path.stem for path in (home / "environments").glob("*.toml"))

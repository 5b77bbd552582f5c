"""Whether there is anything that a command about runs could mean."""

from __future__ import annotations

from pathlib import Path

from freehold.keeper.history import RUNS
from freehold.project.state import keeper_directory


def require_runs_or_project(project: Path) -> None:
    """Raises NOT_FOUND where there is neither a run nor a project: most likely it is the wrong folder."""
    if not (keeper_directory(project) / RUNS).is_dir():
        from freehold.project.load import require_project  # 30 ms, which who has runs need not wait for

        require_project(project)

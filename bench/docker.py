"""Whether measurements with containers can be made here."""

from __future__ import annotations

import shutil
import subprocess


def docker_problem() -> str:
    """Why not; the empty string when an engine answers."""
    if shutil.which("docker") is None:
        return "there is no docker program"
    answers = subprocess.run(["docker", "info"], check=False, capture_output=True).returncode == 0
    return "" if answers else "no Docker engine answers"

"""What a run's containers, volumes and networks are called (`docs/interfaces.md`, "Files and names")."""

from __future__ import annotations

import re

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import short
from freehold.runtime.engine import LABEL_PREFIX

PROJECT_LABEL = f"{LABEL_PREFIX}.project"
AGENT_LABEL = f"{LABEL_PREFIX}.agent"
SLOT_LABEL = f"{LABEL_PREFIX}.slot"
RUN_LABEL = f"{LABEL_PREFIX}.run"
HELPER_LABEL = f"{LABEL_PREFIX}.helper-of"
"""On what belongs to a run beside its container (the owner of its network); the value is the run id."""

_DOCKER_NAME = re.compile(r"^[a-zA-Z0-9][a-zA-Z0-9_.-]+$")


def container_name(project: str, agent: str, run_id: str) -> str:
    return _checked(f"fh-{project}-{agent}-{short(run_id)}")


def helper_name(project: str, agent: str, run_id: str) -> str:
    return _checked(f"fh-{project}-{agent}-{short(run_id)}-net")


def volume_name(project: str, agent: str, slot: int) -> str:
    return _checked(f"fh-{project}-{agent}-{slot}")


def volume_labels(project: str, agent: str, slot: int) -> dict[str, str]:
    """Whose workspace it is. The name alone does not say: `a-b` and `c` make the same name as `a` and `b-c`."""
    return {PROJECT_LABEL: project, AGENT_LABEL: agent, SLOT_LABEL: str(slot)}


def _checked(name: str) -> str:
    if not _DOCKER_NAME.match(name):
        raise FreeholdError(
            Code.CONFIG,
            f'"{name}" is not a name that Docker takes: letters, digits, "_", "." and "-" only.',
            "Choose another projectName in .env.toml.",
        )
    return name

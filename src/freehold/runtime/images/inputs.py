"""What the image of one agent is made from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from freehold.project.agent import Agent
from freehold.project.harnesses import BUILTIN
from freehold.project.load import Project


@dataclass(frozen=True)
class ImageInputs:
    """`project` is unique on this host; paths are absolute; a Dockerfile that is not there is None.

    `base_image` is what the project's `local.image` says: an image that takes the base image's place. The base image's
    own names, and the empty string, mean Freehold's.
    """

    project: str
    agent: str
    agent_dir: Path
    project_root: Path
    agent_dockerfile: Path | None = None
    project_dockerfile: Path | None = None
    harness: str = BUILTIN
    base_image: str = ""

    def where(self, path: Path) -> str:
        """`path` as people know it: from the project's folder on."""
        return str(path.relative_to(self.project_root)) if path.is_relative_to(self.project_root) else str(path)


def inputs_of(project: Project, agent: Agent, called: str = "") -> ImageInputs:
    """What the image of `agent` is made from. `called` is the project's unique name on another machine."""
    return ImageInputs(
        project=called or project.unique_name,
        agent=agent.name,
        agent_dir=agent.directory,
        project_root=project.files,
        agent_dockerfile=agent.dockerfile,
        project_dockerfile=project.dockerfile,
        harness=agent.harness.name,
        base_image=project.config.local.image,
    )

"""Names: what an agent may be called, and names of things on a host (`docs/interfaces.md`, "Files and names")."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from freehold.base import ids
from freehold.project.problems import shown

LONGEST_AGENT_NAME = 64
LONGEST_PROJECT_NAME = 40
"""Characters of a project's part in names of containers, volumes and images."""

LOCAL = "local"
"""In the place of an environment's name: the project on this machine, whatever it is bound to."""

BASE_IMAGE = "freehold-agent"
SAME_AS_BASE_IMAGE = ("al-agent",)
"""What Action Llama calls the base image; its projects load unchanged."""

_AGENT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9]))*")
_ENVIRONMENT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_RESERVED = frozenset({"default"})


def agent_name_problem(name: str) -> str:
    """Why `name` cannot be an agent's name; the empty string when it can."""
    if name in _RESERVED:
        return f'an agent cannot be called "{name}"'
    if len(name) > LONGEST_AGENT_NAME:
        return f"an agent's name has at most {LONGEST_AGENT_NAME} characters, this one has {len(name)}"
    if not _AGENT_NAME.fullmatch(name):
        return (
            f"{shown(name)} is not a name for an agent: use lower-case letters, digits and single hyphens, "
            "with a letter or digit at both ends"
        )
    return ""


def environment_name_problem(name: str) -> str:
    """Why `name` cannot be an environment's name: it must make a legal host name of at most 50 characters."""
    if len(name) <= 50 and _ENVIRONMENT_NAME.fullmatch(name):
        return ""
    return f"{shown(name)} is not a name for an environment: use lower-case letters, digits and hyphens, at most 50"


def project_slug(name: str) -> str:
    """`name` as a part of names of images and containers: lower-case letters, digits, single hyphens."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower())[:LONGEST_PROJECT_NAME].strip("-")
    return slug or "project"


def unique_project_name(name: str, root: Path) -> str:
    """The slug and four hex digits of the folder's path, so that two projects of one name never meet on a host."""
    digest = hashlib.sha256(str(root.resolve()).encode("utf-8", "surrogateescape")).hexdigest()
    return f"{project_slug(name)}-{digest[:4]}"


def have_one_root(one: str, other: str) -> bool:
    """Whether two unique names were made for the same folder: a project may be given another name."""
    return len(one) > 5 and one[-5:] == other[-5:]  # the hyphen and four digits of `unique_project_name`


def container_name(unique_project: str, agent: str, run_id: str) -> str:
    return f"fh-{unique_project}-{agent}-{ids.short(run_id)}"


def volume_name(unique_project: str, agent: str, slot: int) -> str:
    """The workspace that is kept between runs of one slot."""
    return f"fh-{unique_project}-{agent}-{slot}"


def project_image(unique_project: str) -> str:
    """The repository part of the project's base image."""
    return f"freehold-{unique_project}-base"


def agent_image(unique_project: str, agent: str) -> str:
    """The repository part of an agent's image; a second hyphen keeps an agent called `base` from the project's base."""
    return f"freehold-{unique_project}{'-' if agent == 'base' else ''}-{agent}"


def harness_image(harness: str) -> str:
    return f"freehold-harness-{harness}"

"""The images that an agent needs, in the order in which they are built: names, tags and Dockerfiles. Pure.

A tag is the hash of what went in, the parent's tag included: an image that is there is the right one, and one that is
not there is the only thing that must be built (`docs/why/image-names.md`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from freehold.project.dockerfiles.stages import Stage, with_base
from freehold.project.dockerfiles.syntax import Dockerfile
from freehold.project.names import BASE_IMAGE, agent_image, harness_image, project_image
from freehold.runtime.engine import LABEL_PREFIX
from freehold.runtime.images.harness_layers import HarnessLayer
from freehold.runtime.images.staging import Files
from freehold.wire import places

KIND_LABEL = f"{LABEL_PREFIX}.kind"
INPUTS_LABEL = f"{LABEL_PREFIX}.inputs"
PROJECT_LABEL = f"{LABEL_PREFIX}.project"
AGENT_LABEL = f"{LABEL_PREFIX}.agent"
HARNESS_LABEL = f"{LABEL_PREFIX}.harness"

CLOSING = (
    "USER node",
    f"WORKDIR {places.WORKING_DIRECTORY}",
    f'ENTRYPOINT ["{places.RUNNER_COMMAND[0]}"]',
    "CMD []",
)
"""The last word in every image, whatever the Dockerfile above it says: the runner starts, as the agent's user."""


class Kind(StrEnum):
    BASE = "base"
    HARNESS = "harness"
    PROJECT = "project"
    AGENT = "agent"


@dataclass(frozen=True)
class Foundation:
    """An image that is there already, and takes the base image's place; `identity` is its id."""

    name: str
    identity: str


@dataclass(frozen=True)
class Layer:
    """One image to build. `name` is `repository:tag`, `aliases` are further names for people; `where` tells errors
    which Dockerfile it was; `owner` says for whom: `the base image`, `agent dev`.
    """

    kind: Kind
    name: str
    aliases: tuple[str, ...]
    identity: str
    dockerfile: str
    files: Files
    where: str
    owner: str
    labels: Mapping[str, str]
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """A user's Dockerfile, read and found right, and the files it copies."""

    dockerfile: Dockerfile
    stages: tuple[Stage, ...]
    files: Files
    where: str


def base_layer(dockerfile: str, files: Files, from_asked: str) -> Layer:
    """The base image. Its FROM counts only when it was asked for: Debian 13 is Debian 13, wherever it came from, and
    the same Freehold gives the same name on every machine.
    """
    identity = hash12(kind=Kind.BASE, dockerfile=dockerfile, files=files.digest, base_from=from_asked)
    return Layer(
        kind=Kind.BASE,
        name=f"{BASE_IMAGE}:{identity}",
        aliases=(f"{BASE_IMAGE}:latest",),
        identity=identity,
        dockerfile=dockerfile,
        files=files,
        where="",
        owner="the base image",
        labels={KIND_LABEL: Kind.BASE, INPUTS_LABEL: identity},
    )


def harness_layer(harness: HarnessLayer, dockerfile: str, files: Files, parent: Layer | Foundation) -> Layer:
    identity = hash12(kind=Kind.HARNESS, dockerfile=dockerfile, files=files.digest, parent=parent.identity)
    repository = harness_image(harness.name)
    return Layer(
        kind=Kind.HARNESS,
        name=f"{repository}:{harness.version}-{identity}",
        aliases=(f"{repository}:{harness.version}",),
        identity=identity,
        dockerfile="\n".join([dockerfile, *CLOSING, ""]),
        files=files,
        where="",
        owner=f"harness {harness.name}",
        labels={KIND_LABEL: Kind.HARNESS, INPUTS_LABEL: identity, HARNESS_LABEL: harness.name},
        arguments={"BASE": parent.name},
    )


def project_layer(project: str, recipe: Recipe, parent: Layer | Foundation) -> Layer:
    labels = {KIND_LABEL: Kind.PROJECT.value, PROJECT_LABEL: project}
    return _custom(Kind.PROJECT, project_image(project), "the project's base image", labels, recipe, parent)


def agent_layer(project: str, agent: str, recipe: Recipe, parent: Layer | Foundation) -> Layer:
    labels = {KIND_LABEL: Kind.AGENT.value, PROJECT_LABEL: project, AGENT_LABEL: agent}
    return _custom(Kind.AGENT, agent_image(project, agent), f"agent {agent}", labels, recipe, parent)


def _custom(
    kind: Kind, repository: str, owner: str, labels: Mapping[str, str], recipe: Recipe, parent: Layer | Foundation
) -> Layer:
    dockerfile = with_base(recipe.dockerfile, recipe.stages, parent.name, CLOSING)
    # The parent's name stands in the text, and tells its inputs; an image of the user's own is told by its id.
    identity = hash12(kind=kind, dockerfile=dockerfile, files=recipe.files.digest, parent=parent.identity)
    return Layer(
        kind=kind,
        name=f"{repository}:{identity}",
        aliases=(f"{repository}:latest",),
        identity=identity,
        dockerfile=dockerfile,
        files=recipe.files,
        where=recipe.where,
        owner=owner,
        labels={**labels, INPUTS_LABEL: identity},
    )


def hash12(**inputs: str) -> str:
    """Twelve hex digits of everything that decides how an image comes out."""
    text = json.dumps(inputs, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()[:12]

"""Reading a user's Dockerfile: parsed, checked, and with the files that it copies."""

from __future__ import annotations

from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.project.names import harness_image, project_image
from freehold.runtime.images.context import collect, selection
from freehold.runtime.images.dockerfile import parse
from freehold.runtime.images.harness_layers import HARNESS_LAYERS
from freehold.runtime.images.inputs import ImageInputs
from freehold.runtime.images.layers import Recipe
from freehold.runtime.images.rules import check
from freehold.runtime.images.stages import BASE_NAMES, is_bare, repository, stages


def base_names(inputs: ImageInputs) -> frozenset[str]:
    """What this agent's Dockerfiles may call the image they stand on."""
    own = {project_image(inputs.project), *(harness_image(harness) for harness in HARNESS_LAYERS)}
    return BASE_NAMES | own | ({repository(inputs.base_image)} if inputs.base_image else set())


def problems(path: Path, inputs: ImageInputs) -> list[FreeholdError]:
    """Everything that is wrong with the Dockerfile at `path`, as far as can be told without building it."""
    try:
        dockerfile = parse(_text(path, inputs), inputs.where(path))
    except FreeholdError as error:
        return [error]
    return check(dockerfile, base_names(inputs), inputs.where(path))


def read_recipe(path: Path | None, inputs: ImageInputs) -> Recipe | None:
    """The recipe at `path`; None when there is none, or when it says no more than FROM.

    Raises the first of `problems`, and as `collect` for the files.
    """
    if path is None:
        return None
    where = inputs.where(path)
    dockerfile = parse(_text(path, inputs), where)
    names = base_names(inputs)
    found = check(dockerfile, names, where)
    if found:
        raise found[0]
    if is_bare(dockerfile):
        return None
    return Recipe(dockerfile, stages(dockerfile, names, where), collect(path.parent, selection(dockerfile)), where)


def _text(path: Path, inputs: ImageInputs) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FreeholdError(
            Code.CONFIG, f"{inputs.where(path)}: cannot be read: {error}", "It must be a text file in UTF-8."
        ) from error

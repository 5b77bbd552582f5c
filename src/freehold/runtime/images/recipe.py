"""Reading a user's Dockerfile: parsed, checked, and with the files that it copies."""

from __future__ import annotations

from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_file import read_plain
from freehold.project.dockerfiles.rules import check
from freehold.project.dockerfiles.stages import is_bare, stages
from freehold.project.dockerfiles.syntax import DockerfileError, parse
from freehold.project.toml import LARGEST_FILE
from freehold.runtime.images.context import collect, selection
from freehold.runtime.images.inputs import ImageInputs
from freehold.runtime.images.layers import Recipe


def read_recipe(path: Path | None, inputs: ImageInputs) -> Recipe | None:
    """The recipe at `path`; None when there is none, or when it says no more than FROM.

    Raises `FreeholdError` (CONFIG) for the first thing that is wrong with it, and as `collect` for the files.
    """
    if path is None:
        return None
    where = inputs.where(path)
    try:
        dockerfile = parse(_text(path, where))
        found = check(dockerfile, inputs.base_image)
        if found:
            raise found[0]
        if is_bare(dockerfile):
            return None
        found_stages = stages(dockerfile, inputs.base_image)
    except DockerfileError as error:
        raise error.told(where) from error
    return Recipe(dockerfile, found_stages, collect(path.parent, selection(dockerfile)), where)


def _text(path: Path, where: str) -> str:
    try:
        return read_plain(path, LARGEST_FILE).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FreeholdError(
            Code.CONFIG, f"{where}: cannot be read: {error}", "It must be a text file in UTF-8."
        ) from error

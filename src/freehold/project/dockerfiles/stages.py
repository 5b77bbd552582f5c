"""The stages of a Dockerfile, which of them stand on Freehold's base, and the same file with that base under them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from freehold.project.dockerfiles.syntax import Dockerfile, DockerfileError, Instruction, split_words, unquote
from freehold.project.names import BASE_IMAGE, SAME_AS_BASE_IMAGE

_BASE_NAMES = frozenset({BASE_IMAGE, *SAME_AS_BASE_IMAGE, "al-project-base"})
_PARENT_NAMES = re.compile(r"freehold-(.+-base|harness-.+)")
"""What the layers between the base and an agent's image are called (`names.project_image`, `names.harness_image`)."""

_VARIABLE = re.compile(r"\$(?:\{(\w+)(?:(:?[-+])([^}]*))?\}|(\w+))")


@dataclass(frozen=True)
class Stage:
    """`image` is what FROM names, variables filled in; `on_base`: it, or the stage it continues, is our base."""

    name: str
    image: str
    opening: Instruction
    instructions: tuple[Instruction, ...]
    parent: int | None
    names_base: bool
    on_base: bool


def stages(dockerfile: Dockerfile, own_base: str = "") -> tuple[Stage, ...]:
    """In order; `own_base` is an image that the project uses in the base's place (`local.image`), or empty.

    Raises `DockerfileError` for a FROM that cannot be read, and for instructions before it.
    """
    found: list[Stage] = []
    arguments: dict[str, str] = {}
    for index, instruction in enumerate(dockerfile.instructions):
        if instruction.keyword == "FROM":
            found.append(_stage(dockerfile.instructions, index, found, arguments, own_base))
        elif not found and instruction.keyword == "ARG":
            arguments.update(_defaults(instruction, arguments))
        elif not found:
            raise DockerfileError(
                instruction.first_line,
                f"{instruction.keyword} before the first FROM",
                "Only ARG may stand there. Check that it starts with FROM freehold-agent:latest.",
            )
    return tuple(found)


def _stage(
    instructions: tuple[Instruction, ...],
    index: int,
    earlier: list[Stage],
    arguments: Mapping[str, str],
    own_base: str,
) -> Stage:
    opening = instructions[index]
    words = opening.operands
    named = len(words) == 3 and words[1].upper() == "AS"
    if len(words) != 1 and not named:
        raise DockerfileError(
            opening.first_line,
            f"FROM {opening.arguments}: cannot be read",
            "Write FROM image, or FROM image AS name.",
        )
    image = expand(unquote(words[0]), arguments)
    if not image:
        raise DockerfileError(
            opening.first_line,
            f"FROM {opening.arguments}: the variable has no value",
            "Give it one above the first FROM: ARG NAME=freehold-agent:latest.",
        )
    parent = next((number for number, stage in enumerate(earlier) if stage.name == image.lower()), None)
    names_base = parent is None and is_base(image, own_base)
    rest = instructions[index + 1 :]
    until = next((number for number, after in enumerate(rest) if after.keyword == "FROM"), len(rest))
    return Stage(
        name=words[2].lower() if named else "",
        image=image,
        opening=opening,
        instructions=rest[:until],
        parent=parent,
        names_base=names_base,
        on_base=names_base or (parent is not None and earlier[parent].on_base),
    )


def _defaults(instruction: Instruction, arguments: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in split_words(instruction.arguments):
        name, given, value = word.partition("=")
        if given:
            found[name] = expand(unquote(value), {**arguments, **found})
    return found


def expand(text: str, arguments: Mapping[str, str]) -> str:
    """`$A`, `${A}`, `${A:-default}`, `${A:+instead}` filled in; a variable without a value is the empty string."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[4]
        found = arguments.get(name)
        is_set = found is not None and (found != "" or not (match[2] or "").startswith(":"))
        if match[2] and match[2].endswith("-"):
            return (found or "") if is_set else match[3]
        if match[2]:
            return match[3] if is_set else ""
        return found or ""

    return _VARIABLE.sub(value, text)


def repository(reference: str) -> str:
    """The name in an image reference, without tag, digest and the registry that Docker would add by itself."""
    name = reference.partition("@")[0]
    for prefix in ("docker.io/", "library/", "localhost/"):
        name = name.removeprefix(prefix)
    head, slash, last = name.rpartition("/")
    return head + slash + last.partition(":")[0]


def is_freeholds_base(reference: str) -> bool:
    """Whether `reference` is what we, or Action Llama, call the base image, with any tag."""
    return repository(reference) in _BASE_NAMES


def is_base(reference: str, own_base: str = "") -> bool:
    """Whether `reference` names the base, a layer of ours on it, or `own_base`, with any tag."""
    name = repository(reference)
    is_own = own_base != "" and name == repository(own_base)
    return is_own or is_freeholds_base(reference) or _PARENT_NAMES.fullmatch(name) is not None


def is_bare(dockerfile: Dockerfile) -> bool:
    """Whether it says no more than FROM: nothing is customised, and no image is made of it."""
    return [instruction.keyword for instruction in dockerfile.instructions if instruction.keyword != "ARG"] == ["FROM"]


def with_base(dockerfile: Dockerfile, found: tuple[Stage, ...], base: str, closing: tuple[str, ...]) -> str:
    """The same file with `base` in every FROM that names ours, and `closing` as its last lines.

    Lines keep their numbers, so that what Docker says of line 7 is true of the file that the user wrote.
    """
    lines = list(dockerfile.lines)
    for stage in found:
        if stage.names_base:
            opening = stage.opening
            flags = "".join(f"--{name}={value} " for name, value in opening.flags.items())
            alias = f" AS {opening.operands[2]}" if stage.name else ""
            silent = ["#"] * (opening.last_line - opening.first_line)
            lines[opening.first_line - 1 : opening.last_line] = [f"FROM {flags}{base}{alias}", *silent]
    return "\n".join([*lines, *closing]) + "\n"

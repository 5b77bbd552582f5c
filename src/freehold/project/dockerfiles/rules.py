"""What is wrong with a Dockerfile, told before a build is tried."""

from __future__ import annotations

import re
from collections.abc import Iterator

from freehold.project.dockerfiles.alpine import apt_line
from freehold.project.dockerfiles.commands import apk_packages, commands
from freehold.project.dockerfiles.stages import Stage, stages
from freehold.project.dockerfiles.syntax import Dockerfile, DockerfileError, Instruction, unquote

_APK = frozenset({"apk", "/sbin/apk"})
_ROOT_NAMES = frozenset({"root", "0"})


def check(dockerfile: Dockerfile, own_base: str = "") -> list[DockerfileError]:
    """Everything that is known to fail, in the order of the lines; empty when nothing is."""
    try:
        found = stages(dockerfile, own_base)
    except DockerfileError as error:
        return [error]
    if not found:
        return [_no_base(1, "there is no FROM")]
    if not found[-1].on_base:
        stage = found[-1]
        return [_no_base(stage.opening.first_line, f"the last stage is made FROM {stage.image}")]
    problems: list[DockerfileError] = []
    users: list[str] = []
    for stage in found:
        user = users[stage.parent] if stage.parent is not None else "node"
        for instruction in stage.instructions:
            if instruction.keyword == "USER":
                user = unquote(instruction.arguments).partition(":")[0]
            elif stage.on_base and instruction.keyword == "RUN":
                problems += _of_run(instruction, stage, is_root=user in _ROOT_NAMES)
        users.append(user)
    return [*problems, *_volumes(found)]


def _no_base(line: int, what: str) -> DockerfileError:
    return DockerfileError(
        line,
        what,
        "Check that it starts with FROM freehold-agent:latest (the build rewrites this to the correct base); other "
        "images can be used in stages before the last one.",
    )


def _of_run(run: Instruction, stage: Stage, *, is_root: bool) -> list[DockerfileError]:
    """At most one problem: the first is enough to act on, and the rest often follow from it."""
    started = list(commands(run))
    apk = [command for command in started if command[0] in _APK]
    if apk:
        what = "the base image is Debian, which has no apk"
        instead = apt_line(package for command in apk for package in apk_packages(command))
        return [DockerfileError(run.first_line, what, f"Write: {instead}")]
    for command in started:
        if not is_root and _needs_root(command, stage):
            what = f"RUN {' '.join(command[:2])} is run as the user node, and would fail or be lost"
            hint = "Write USER root above it. The image ends as node whatever the Dockerfile says."
            return [DockerfileError(run.first_line, what, hint)]
    return []


def _needs_root(command: tuple[str, ...], stage: Stage) -> bool:
    """As `node`, apt and `npm -g` fail; pip would install into the home directory, which is empty in a run.

    A stage that sets up a place of its own for pip or npm is left alone.
    """
    program, arguments = command[0], set(command[1:])
    text = " ".join(instruction.arguments for instruction in stage.instructions)
    match program:
        case "apt" | "apt-get" | "aptitude" | "dpkg":
            return True
        case "pip" | "pip3":
            return "install" in arguments and not re.search(
                r"venv|--target|--prefix|PYTHONUSERBASE", text, re.IGNORECASE
            )
        case "npm":
            is_global = bool({"-g", "--global"} & arguments) and bool({"i", "install", "add"} & arguments)
            return is_global and not re.search("prefix", text, re.IGNORECASE)
    return False


def _volumes(found: tuple[Stage, ...]) -> Iterator[DockerfileError]:
    """Of the last stage, and of those that it continues: it has what they have."""
    stage: Stage | None = found[-1]
    while stage is not None:
        for instruction in stage.instructions:
            words = instruction.arguments.upper().split()
            if instruction.keyword == "VOLUME" or (instruction.keyword == "ONBUILD" and words[:1] == ["VOLUME"]):
                yield DockerfileError(
                    instruction.first_line,
                    "VOLUME would give the container a writable disk without a bound",
                    "Remove it: what an agent writes goes to /tmp, or to /workspace to be kept.",
                )
        stage = found[stage.parent] if stage.parent is not None else None

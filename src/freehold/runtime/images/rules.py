"""What is wrong with a Dockerfile, told before a build is tried: pure, and used by `doctor` and the builder alike."""

from __future__ import annotations

import re
from collections.abc import Iterator

from freehold.base.errors import Code, FreeholdError
from freehold.project.dockerfile import ApkLine
from freehold.runtime.images.commands import apk_packages, commands
from freehold.runtime.images.dockerfile import Dockerfile, Instruction, unquote
from freehold.runtime.images.stages import Stage, stages

_ROOT_NAMES = frozenset({"root", "0"})


def check(dockerfile: Dockerfile, base_names: frozenset[str], where: str) -> list[FreeholdError]:
    """Everything that is known to fail, in the order of the lines; empty when nothing is."""
    try:
        found = stages(dockerfile, base_names, where)
    except FreeholdError as error:
        return [error]
    if not found:
        return [_no_base(where, 1, "there is no FROM")]
    if not found[-1].on_base:
        stage = found[-1]
        return [_no_base(where, stage.opening.first_line, f"the last stage is made FROM {stage.image}")]
    problems: list[FreeholdError] = []
    users: list[str] = []
    for stage in found:
        user = users[stage.parent] if stage.parent is not None else "node"
        for instruction in stage.instructions:
            if instruction.keyword == "USER":
                user = unquote(instruction.arguments).partition(":")[0]
            elif stage.on_base and instruction.keyword == "RUN":
                problems += _of_run(instruction, stage, is_root=user in _ROOT_NAMES, where=where)
        users.append(user)
    return [*problems, *_volumes(found[-1], where)]


def _no_base(where: str, line: int, what: str) -> FreeholdError:
    return FreeholdError(
        Code.CONFIG,
        f"{where}:{line}: {what}",
        "Check that it starts with FROM freehold-agent:latest (the build rewrites this to the correct base); other "
        "images can be used in stages before the last one.",
    )


def _of_run(run: Instruction, stage: Stage, *, is_root: bool, where: str) -> list[FreeholdError]:
    """At most one problem: the first is enough to act on, and the rest often follow from it."""
    place = f"{where}:{run.first_line}"
    for command in commands(run):
        if command[0] in {"apk", "/sbin/apk"}:
            what = f"{place}: apk is Alpine's; the base image is Debian"
            instead = ApkLine(run.first_line, apk_packages(command)).apt_line
            return [FreeholdError(Code.CONFIG, what, f"Write instead: {instead}")]
        if not is_root and _needs_root(command, stage):
            what = f"{place}: RUN {' '.join(command[:2])} is run as the user node, and would fail or be lost"
            hint = "Write USER root above it. The image ends as node whatever the Dockerfile says."
            return [FreeholdError(Code.CONFIG, what, hint)]
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


def _volumes(last: Stage, where: str) -> Iterator[FreeholdError]:
    for instruction in last.instructions:
        if instruction.keyword == "VOLUME":
            yield FreeholdError(
                Code.CONFIG,
                f"{where}:{instruction.first_line}: VOLUME would give the container a writable disk without a bound",
                "Remove it: what an agent writes goes to /tmp, or to /workspace to be kept.",
            )

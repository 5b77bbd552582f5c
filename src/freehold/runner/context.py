"""Context injection: each !`command` in SKILL.md is replaced by what the command prints when the run starts."""

from __future__ import annotations

import re
import time

from freehold.base.excerpt import excerpt
from freehold.base.words import duration
from freehold.runner.command import run_command
from freehold.runner.hooks import HookLog, Stage
from freehold.runner.shell_setup import with_setup

LONGEST_OUTPUT = 256 * 1024
"""Characters of one command's output that go into the prompt; a model would not read more."""
LONGEST_ERROR = 500
_MARK = re.compile(r"!`([^`\n]+)`")


def commands_in(skill: str) -> list[str]:
    return [match[1].strip() for match in _MARK.finditer(skill)]


def put_in(skill: str, outputs: list[str]) -> str:
    """`skill` with its marks replaced, in order; marks in the outputs are text and stay."""
    pending = iter(outputs)
    return _MARK.sub(lambda _: next(pending), skill)


async def inject(stage: Stage, skill: str, timeout_s: float) -> str:
    """Run the commands one after the other, each at most `timeout_s`; a failure becomes `[Error: ...]` in the text."""
    outputs = [
        await _output_of(stage, number, command, timeout_s) for number, command in enumerate(commands_in(skill), 1)
    ]
    return put_in(skill, outputs)


async def _output_of(stage: Stage, number: int, command: str, timeout_s: float) -> str:
    log = HookLog(stage, f"context {number}")
    printed, complaints = _Kept(LONGEST_OUTPUT + 1), _Kept(LONGEST_ERROR)

    def on_output(text: str) -> None:
        printed.add(text)
        log.add(text)

    started = time.monotonic()
    ended = await run_command(
        stage.children,
        with_setup(stage.scene, command),
        env=stage.env,
        cwd=stage.cwd,
        on_output=on_output,
        on_error=complaints.add,
        timeout_s=timeout_s,
    )
    log.finish(ended.exit_code)
    if ended.timed_out:
        return _error(f"`{command}` ran for longer than {duration(time.monotonic() - started)}")
    if ended.exit_code != 0:
        return _error(complaints.text.strip() or f"`{command}` failed (exit code {ended.exit_code})")
    return excerpt(printed.text, LONGEST_OUTPUT).rstrip()


def _error(reason: str) -> str:
    return f"[Error: {reason[:LONGEST_ERROR]}]"


class _Kept:
    """The first `longest` characters of what is added."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self.text = ""

    def add(self, text: str) -> None:
        self.text += text[: self._longest - len(self.text)]

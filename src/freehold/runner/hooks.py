"""Hooks and the test script: shell commands of the agent's author, run where the agent runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from freehold.base.errors import Code, FreeholdError
from freehold.base.redaction import Redaction
from freehold.base.words import duration
from freehold.runner.children import Children
from freehold.runner.command import Ended, run_command
from freehold.runner.environment import Scene
from freehold.runner.event_file import EventFile
from freehold.runner.shell_setup import with_setup
from freehold.runner.trickle import Trickle
from freehold.wire.events import HookOutput

LONGEST_OUTPUT = 256 * 1024
"""Characters of one hook's output that are kept; the rest is counted."""
_END_KEPT = 8 * 1024
_END_SHOWN = 500


@dataclass(frozen=True)
class Stage:
    """What every command of the run is run with."""

    children: Children
    events: EventFile
    redaction: Redaction
    scene: Scene
    env: Mapping[str, str]
    cwd: str


class HookLog:
    """Writes what a hook says as `hook.output` events; keeps its end, for the error."""

    def __init__(self, stage: Stage, hook: str) -> None:
        self._events = stage.events
        self._hook = hook
        self._redaction = stage.redaction
        self._trickle = Trickle(self._write, stage.redaction)
        self._left = LONGEST_OUTPUT
        self._cut = 0
        self._end = ""

    @property
    def end(self) -> str:
        """The last it said, for an error; blacked out before it is cut, so that no half of a secret is left."""
        return self._redaction.text(self._end)[-_END_SHOWN:].strip()

    def add(self, text: str) -> None:
        self._end = (self._end + text)[-_END_KEPT:]
        taken = text[: self._left]
        self._left -= len(taken)
        self._cut += len(text) - len(taken)
        if taken:
            self._trickle.add(taken)

    def flush(self) -> None:
        """Write what still waits: also of a command that the run's end cut off, whose last words say why."""
        self._trickle.finish()

    def finish(self, exit_code: int) -> None:
        self.flush()
        note = f"[... {self._cut} characters cut ...]\n" if self._cut else ""
        self._events.write(HookOutput(hook=self._hook, text=note, exit_code=exit_code))

    def _write(self, text: str) -> None:
        self._events.write(HookOutput(hook=self._hook, text=text))


async def run_pre_hooks(stage: Stage, commands: list[str], timeout_s: float) -> None:
    """One after the other; the first that fails, or runs for longer than `timeout_s`, raises `FreeholdError`."""
    for number, command in enumerate(commands, start=1):
        log = HookLog(stage, f"pre {number}")
        ended = await _run(stage, log, command, timeout_s)
        if ended.timed_out or ended.exit_code != 0:
            raise _failed("pre", number, command, ended, timeout_s, log.end)


async def run_post_hooks(stage: Stage, commands: list[str], timeout_s: float) -> None:
    """All of them; what fails is logged and changes nothing."""
    for number, command in enumerate(commands, start=1):
        log = HookLog(stage, f"post {number}")
        try:
            ended = await _run(stage, log, command, timeout_s)
        except FreeholdError as error:
            stage.events.log("error", error.message)
            continue
        if ended.timed_out or ended.exit_code != 0:
            stage.events.log("error", _failed("post", number, command, ended, timeout_s, log.end).message)


async def run_script(stage: Stage, path: str) -> int:
    """The test script instead of a session; its exit code."""
    log = HookLog(stage, "script")
    command = [path] if _names_its_interpreter(path) else ["/bin/sh", path]
    try:
        ended = await run_command(stage.children, command, env=stage.env, cwd=stage.cwd, on_output=log.add)
    finally:
        log.flush()
    log.finish(ended.exit_code)
    return ended.exit_code


def _names_its_interpreter(path: str) -> bool:
    """Whether the kernel can start it: other scripts are for `/bin/sh`, as they are when a shell starts them."""
    if not os.access(path, os.X_OK):
        return False
    with open(path, "rb") as file:  # noqa: PTH123  pathlib takes 6 ms to import
        return file.read(2) == b"#!"


async def _run(stage: Stage, log: HookLog, command: str, timeout_s: float) -> Ended:
    try:
        ended = await run_command(
            stage.children,
            with_setup(stage.scene, command),
            env=stage.env,
            cwd=stage.cwd,
            on_output=log.add,
            timeout_s=timeout_s,
        )
    finally:
        log.flush()
    log.finish(ended.exit_code)
    return ended


def _failed(kind: str, number: int, command: str, ended: Ended, timeout_s: float, end: str) -> FreeholdError:
    how = f"ran for longer than {duration(timeout_s)}" if ended.timed_out else f"failed (exit code {ended.exit_code})"
    said = f"; it wrote last:\n{end}" if end else ""
    shown = command if len(command) <= 80 else command[:77] + "..."
    return FreeholdError(
        Code.HOOK,
        f"hooks.{kind}[{number - 1}] `{shown}` {how}{said}",
        f"Correct it in the agent's config.toml, [hooks] {kind}.",
    )

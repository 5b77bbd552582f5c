"""The tool `bash`: a command in a shell of its own, with what `setenv` keeps, ended with everything it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from typing import Any

from freehold.base.words import duration
from freehold.harness.output import Output
from freehold.harness.tool import Place, ToolError, schema_of

TIMEOUT_S = 120.0
LONGEST_TIMEOUT_S = 3600.0
_GRACE_S = 2.0
_LAST_WORDS_S = 0.5
"""How long output may trail the end of the shell, when something in the background holds the pipe."""


class Bash:
    name = "bash"
    description = (
        "Run a shell command. Each call is a new shell in the working directory; variables set with "
        "`setenv NAME value` last. Output of more than 30,000 bytes is cut in the middle. "
        f"A command is ended after `timeout` seconds ({TIMEOUT_S:.0f}); what should go on must be sent to the "
        "background with its output redirected."
    )
    schema = schema_of(
        {
            "command": {"type": "string", "description": "The command, as for bash -c"},
            "timeout": {"type": "number", "description": f"Seconds, at most {LONGEST_TIMEOUT_S:.0f}"},
        },
        "command",
    )
    kind = "execute"
    changes = True

    def __init__(self) -> None:
        self._held: set[asyncio.BaseTransport] = set()
        """Pipes that something in the background still writes to: closing them would kill it."""

    def close(self) -> None:
        for transport in self._held:
            transport.close()

    def title(self, arguments: dict[str, Any]) -> str:
        return str(arguments.get("command", "bash")).strip()

    async def run(self, arguments: dict[str, Any], place: Place) -> str:
        command = arguments.get("command")
        if not isinstance(command, str) or not command.strip() or "\0" in command:
            raise ToolError("`command` must be a text that is not empty")
        timeout_s = _timeout(arguments.get("timeout"))
        reading, writing = os.pipe()
        output = Output()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: output, os.fdopen(reading, "rb"))
        try:
            process = await asyncio.create_subprocess_exec(
                *_shell(command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                cwd=place.cwd,
                env=place.env,
                start_new_session=True,
            )
        except OSError as error:
            self._held.add(transport)
            raise ToolError(f"the shell cannot be started in {place.cwd}: {error.strerror}") from error
        finally:
            os.close(writing)
        timed_out = await _wait(process, timeout_s)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(output.ended), _LAST_WORDS_S)
        output.stop_listening()
        if not output.ended.done():
            self._held.add(transport)
        return _told(output.text(), process.returncode or 0, timeout_s if timed_out else None)


async def _wait(process: asyncio.subprocess.Process, timeout_s: float) -> bool:
    """True when it had to be ended for being late; cancelled, it ends the process group first."""
    try:
        await asyncio.wait_for(process.wait(), timeout_s)
    except TimeoutError:
        await _end(process)
        return True
    except asyncio.CancelledError:
        await asyncio.shield(_end(process))
        raise
    return False


async def _end(process: asyncio.subprocess.Process) -> None:
    _signal(process.pid, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _GRACE_S)
    _signal(process.pid, signal.SIGKILL)
    await process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _shell(command: str) -> list[str]:
    bash = shutil.which("bash")
    return [bash, "-c", command] if bash else ["/bin/sh", "-c", '[ -z "$BASH_ENV" ] || . "$BASH_ENV"\n' + command]


def _timeout(value: object) -> float:
    if value is None:
        return TIMEOUT_S
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ToolError("`timeout` must be a number of seconds above zero")
    return min(float(value), LONGEST_TIMEOUT_S)


def _told(text: str, exit_code: int, late_s: float | None) -> str:
    if late_s is not None:
        return f"{text}\n[ended after {duration(late_s)}: it was still running]".lstrip("\n")
    if exit_code < 0:
        return f"{text}\n[ended by signal {-exit_code}]".lstrip("\n")
    if exit_code:
        return f"{text}\n[exit code {exit_code}]".lstrip("\n")
    return text or "[no output]"

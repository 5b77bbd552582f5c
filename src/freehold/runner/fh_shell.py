"""`fh shell [COMMAND...]`: a shell, or a command, with the variables that the agent of this run has.

What is started beside the runner (`docker exec`) sees only the image's variables; the runner keeps the run's in a
file that this reads. It is for people who look into a run (`freehold shell`).
"""

from __future__ import annotations

import json
import os
import sys
import time

from freehold.base.errors import FreeholdError
from freehold.runner.fh_request import UnreachableError
from freehold.runner.seal import seal

_FILE = ".freehold/environment.json"
_SET_UP_S = 15.0
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126
"""What a POSIX shell returns for a command that it cannot start."""
_KEPT = ("TERM", "COLUMNS", "LINES")


def shell(arguments: list[str]) -> int:
    try:
        seal()  # the runner's own is on what it starts; this was started beside it
    except FreeholdError as error:
        sys.stderr.write(f"fh: {error.message}\n")
        return _NOT_EXECUTABLE
    env = _environment()
    env |= {name: os.environ[name] for name in _KEPT if name in os.environ}
    os.chdir(env.get("TMPDIR", "/tmp"))  # noqa: S108  the working directory of a run
    setup = env.get("BASH_ENV", "")
    command = arguments or ["/bin/bash", "--rcfile", setup, "-i"]
    try:
        os.execvpe(command[0], command, env)  # noqa: S606  a command of the person who looks
    except OSError as error:
        sys.stderr.write(f"fh: {command[0]}: {error.strerror}\n")
        return _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE


def _environment() -> dict[str, str]:
    """Waits for the runner, which may have just started. Raises `UnreachableError` when it is not heard of."""
    deadline = time.monotonic() + _SET_UP_S
    while True:
        for directory in (os.getcwd(), "/tmp"):  # noqa: PTH109, S108  pathlib takes 6 ms to import
            try:
                with open(f"{directory}/{_FILE}", encoding="utf-8") as file:  # noqa: PTH123
                    return dict(json.load(file))
            except (OSError, ValueError):
                continue
        if time.monotonic() > deadline:
            raise UnreachableError(f"the runner has not set this run up ({_FILE} is not there)")
        time.sleep(0.05)

"""The processes of a run: started in groups of their own, reaped by us (also those nobody waits for), killed whole."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from freehold.base.errors import Code, FreeholdError

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_KILLED_BY = 128
"""A process ended by signal N has the exit code 128 + N, as in a shell."""
GRACE_S = 2.0
_ROUNDS = 100
"""At 20 ms: what forks faster than it is killed, or cannot be killed, is left to the engine."""


class Child:
    """A process that was started, and the group that it leads."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.pid = process.pid

    @property
    def stdin(self) -> IO[bytes] | None:
        return self._process.stdin

    @property
    def stdout(self) -> IO[bytes] | None:
        return self._process.stdout

    @property
    def stderr(self) -> IO[bytes] | None:
        return self._process.stderr

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the process and every descendant that stayed in its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    async def stop(self, grace_s: float = GRACE_S) -> int:
        """SIGTERM to the group, SIGKILL after `grace_s`; what is left of the group when it has ended is killed too."""
        self.signal_group(signal.SIGTERM)
        try:
            code = await asyncio.wait_for(self.wait(), grace_s)
        except TimeoutError:
            self.signal_group(signal.SIGKILL)
            code = await self.wait()
        self.signal_group(signal.SIGKILL)
        return code

    def ended(self, wait_status: int) -> None:
        code = os.waitstatus_to_exitcode(wait_status)
        self._process.returncode = code  # so that the standard library does not wait for it again
        if not self._ended.done():
            self._ended.set_result(code if code >= 0 else _KILLED_BY - code)


class Children:
    """Starts processes and learns of their ends through SIGCHLD.

    With `adopt`, which PID 1 must and a runner without a container may ask for, every process that loses its parent
    becomes ours and is reaped as well. Used within one event loop; `close` gives the signal back.
    """

    def __init__(self, *, adopt: bool) -> None:
        self._children: dict[int, Child] = {}
        self._adopt = adopt
        if adopt and os.getpid() != 1:
            _become_subreaper()
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._reap)

    def start(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | Path,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.STDOUT,
    ) -> Child:
        """Start `command` as the leader of a new session. Raises `FreeholdError` when it cannot be started."""
        try:
            process = subprocess.Popen(
                list(command), env=dict(env), cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
            )
        except OSError as error:
            raise FreeholdError(
                Code.FAILED, f"cannot start {command[0]} in {cwd}: {error.strerror or error}", "Is it installed?"
            ) from error
        # SIGCHLD is handled by the loop, hence after this: no end can be missed.
        child = self._children[process.pid] = Child(process)
        return child

    def close(self) -> None:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGCHLD)

    async def end_everything(self) -> None:
        """SIGKILL to every process that descends from us, until none is left, and all are reaped."""
        if os.getpid() == 1:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            return  # the kernel takes what is left of a container whose PID 1 ends
        for _ in range(_ROUNDS):
            for pid in _descendants(os.getpid()):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            self._reap()
            if not _descendants(os.getpid()):
                return
            await asyncio.sleep(0.02)

    def _reap(self) -> None:
        if not self._adopt:
            for pid in list(self._children):
                self._reap_one(pid)
            return
        while self._reap_one(-1):
            pass

    def _reap_one(self, pid: int) -> bool:
        try:
            pid, wait_status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return False
        child = self._children.pop(pid, None)
        if child:
            child.ended(wait_status)
        return True


def _become_subreaper() -> None:
    import ctypes

    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def _descendants(of_pid: int) -> list[int]:
    """Process ids, the deepest first, as far as /proc shows them."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # The name in parentheses may hold anything; what follows its last parenthesis is fixed.
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                parents.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    queue = [of_pid]
    while queue:
        below = parents.get(queue.pop(), [])
        found += below
        queue += below
    return found[::-1]

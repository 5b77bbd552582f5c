"""The process that stays with one host-user run: it starts the run, buries its dead, and writes down how it ended.

The keeper may die; this process does not mind. It is run by path (`python -I -S supervisor.py DIRECTORY`) and imports
nothing but the standard library, so that it is small and starts at once. In DIRECTORY it reads `plan.json` and writes
`state.json` (who it is) and `exit.json` (how the run ended), each in one step. SIGTERM asks the run to end; SIGUSR1
ends it.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

PR_SET_CHILD_SUBREAPER = 36
OUTPUT_BYTES = 4096
HEADER_DEADLINE_S = 30.0
SWEEP_DEADLINE_S = 15.0
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
"""All that the run's chain of programs is given; the operator's environment is never passed on."""


class RefusedError(Exception):
    """The run could not be started; `answer` is the launcher's, `{error, kind}`."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(answer["error"])
        self.answer = answer


def write(path: Path, content: dict[str, Any]) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(content))
    fresh.chmod(0o600)
    fresh.replace(path)


def start_time(pid: int) -> int:
    """When the process began, in clock ticks since boot: with its id it is unique (proc(5), field 22 of stat)."""
    return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19])


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class Supervisor:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._plan: dict[str, Any] = json.loads((directory / "plan.json").read_text())
        self._tail = b""
        self._status: int | None = None
        self._signals: set[int] = set()
        self._child = -1
        """The launcher, or sudo before it: the process whose end is the run's end."""
        self._run, self._handle = -1, -1
        """The process that the launcher told: PID 1 of the run, or its first program; and a descriptor for it."""

    def start(self) -> None:
        """Start the run; returns when it is there. Raises `RefusedError`, and then nothing runs."""
        self._lock()
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._wake, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, lambda received, _: self._signals.add(received))
        process = subprocess.Popen(
            self._plan["run"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        self._child, self._output = process.pid, process.stdout.fileno()
        self._process = process  # kept: the pipe is closed with it
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(self._plan["told"]).encode() + b"\n")
            process.stdin.close()
        self._run = self._read_header()
        with contextlib.suppress(ProcessLookupError):  # it has ended already
            self._handle = os.pidfd_open(self._run)
        identity = {"supervisor": os.getpid(), "started": start_time(os.getpid()), "boot": boot_id(), "run": self._run}
        write(self._directory / "state.json", identity)

    def watch(self) -> None:
        """Until the run has ended and nothing of it is left; then `exit.json` says how."""
        os.set_blocking(self._output, False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._output, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            self._bury()
            while self._status is None:
                for key, _ in selector.select():
                    if key.fd == self._wake:
                        self._obey()
                    elif not self._read_output():
                        selector.unregister(self._output)
        left = self._sweep()
        while self._read_output():
            pass
        note = f"\n{left}" if left else ""
        output = self._tail.decode(errors="replace") + note
        write(self._directory / "exit.json", {"code": code_of(self._status), "output": output[-OUTPUT_BYTES:]})

    def _lock(self) -> None:
        """One run at a time for this user, as long as this process lives."""
        if self._plan["lock"]:
            lock = os.open(self._plan["lock"], os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RefusedError({"error": "another run has this user", "kind": "busy"}) from None

    def _read_header(self) -> int:
        line = b""
        deadline = time.monotonic() + HEADER_DEADLINE_S
        with selectors.DefaultSelector() as selector:
            selector.register(self._output, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    self._sweep()
                    raise RefusedError({"error": f"no answer in {HEADER_DEADLINE_S:.0f} s", "kind": "failed"})
                byte = os.read(self._output, 1)
                if not byte:
                    break
                line += byte
        try:
            answer = json.loads(line)
        except ValueError:  # sudo, or the interpreter, had something to say
            said = (line + os.read(self._output, OUTPUT_BYTES)).decode(errors="replace").strip()
            raise RefusedError({"error": said or "it ended at once", "kind": "failed"}) from None
        if "pid" not in answer:
            raise RefusedError(answer)
        return int(answer["pid"])

    def _obey(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wake, 512):
                pass
        asked, self._signals = self._signals, set()
        if signal.SIGUSR1 in asked:
            self._sweep()
        elif signal.SIGTERM in asked:
            self._ask_to_end()
        self._bury()

    def _ask_to_end(self) -> None:
        if not self._signal_run(signal.SIGTERM):
            self._verb({"do": "signal", "pid": self._run, "signal": int(signal.SIGTERM)})

    def _signal_run(self, number: signal.Signals) -> bool:
        """False when it is another user's, and we are not root: then the launcher has to."""
        try:
            if self._handle >= 0:
                signal.pidfd_send_signal(self._handle, number)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return True

    def _read_output(self) -> bool:
        """Keep the end of what the run says; False at the end of the stream, or when there is nothing now."""
        try:
            data = os.read(self._output, 65536)
        except BlockingIOError:
            return self._status is None
        self._tail = (self._tail + data)[-OUTPUT_BYTES:]
        return bool(data)

    def _bury(self) -> None:
        """Take in every child that ended; orphans of the run are our children too."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self._child:
                    self._status = status

    def _sweep(self) -> str:
        """End every process of the run; what could not be ended, in a sentence."""
        self._signal_run(signal.SIGKILL)  # with PID 1 of a PID namespace the kernel ends all that is in there
        deadline = time.monotonic() + SWEEP_DEADLINE_S
        if self._plan["verbs"]:
            answer: dict[str, Any] = {}
            # Without a PID namespace, a run can end who comes to end it, but not for ever.
            while not answer.get("ok") and time.monotonic() < deadline:
                answer = self._verb(self._plan["end"])
            return "" if answer.get("ok") else f"Processes of the run are left: {answer.get('left') or answer}"
        while (left := descendants(os.getpid())) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            self._bury()
            time.sleep(0.01)
        return f"Processes of the run are left: {left}" if left else ""

    def _verb(self, told: dict[str, Any]) -> dict[str, Any]:
        try:
            done = subprocess.run(
                self._plan["verbs"],
                input=json.dumps(told).encode() + b"\n",
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=ENVIRONMENT,
                cwd="/",
                timeout=SWEEP_DEADLINE_S,
                check=False,
            )
            answer: dict[str, Any] = json.loads(done.stdout)
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            return {"ok": False, "error": str(error)}
        return answer


def descendants(root: int) -> list[int]:
    """Every process below `root`, zombies apart."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        if fields[0] not in (b"Z", b"X"):
            parents[int(entry.name)] = int(fields[1])
    found: set[int] = set()
    layer = {root}
    while layer:
        layer = {pid for pid, parent in parents.items() if parent in layer and pid not in found}
        found |= layer
    return sorted(found)


def end_session(leader: int) -> None:
    """Kill what is left of the session that `leader` began; for a run whose supervisor is gone."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int((entry / "stat").read_bytes().rpartition(b")")[2].split()[3]) == leader:
                os.kill(int(entry.name), signal.SIGKILL)


def code_of(status: int | None) -> int:
    """An exit code as a shell tells it: 128 + n for a process that signal n ended."""
    assert status is not None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def main(directory: Path) -> NoReturn:
    """Start the run in a process of its own; tell on the standard output that it is there, or why not."""
    told, teller = os.pipe()
    if os.fork():
        os.close(teller)
        with os.fdopen(told, "rb") as answer:
            os.write(1, answer.read())
        os._exit(0)
    os.close(told)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    log = os.open(directory / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number, target in enumerate((nothing, nothing, log)):
        os.dup2(target, number)
    supervisor = Supervisor(directory)
    try:
        supervisor.start()
    except RefusedError as error:
        os.write(teller, json.dumps(error.answer).encode())
        os._exit(1)
    os.write(teller, b"{}")
    os.close(teller)
    supervisor.watch()
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

#!/usr/bin/python3 -IS
"""What another user of this host does for a run: make its directories, become it, signal it, end it.

`freehold doctor --fix` installs this file, owned by root, as the one program that sudo lets the keeper run as that
user; so it imports nothing but Python's standard library (3.9 or newer). It takes no arguments: it reads one line of
JSON from its standard input and answers with one line of JSON. It has no rights of its own, except where root runs it
to make namespaces before it steps down.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import shutil
import signal
import socket
import struct
import sys
import termios
import time
from pathlib import Path
from typing import Any, NoReturn

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
SEARCH_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
LONGEST_LINE = 1024 * 1024
SWEEPS = 200
SWEEP_PAUSE_S = 0.05
PROCESSES, OPEN_FILES, LARGEST_FILE_BYTES = 1024, 16384, 2 * 1024**3
"""As in a container (`container_config.py`)."""

Told = dict[str, Any]

libc = ctypes.CDLL(None, use_errno=True)


class RefusedError(Exception):
    """`kind` is for the keeper: `busy`, `taken`, `no_program`, `no_namespace` or `failed`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


def read_line() -> Told:
    """One line, byte by byte: what follows it on the standard input is not ours."""
    line = bytearray()
    while not line.endswith(b"\n") and len(line) < LONGEST_LINE:
        byte = os.read(0, 1)
        if not byte:
            break
        line += byte
    told: Told = json.loads(line)
    return told


def say(answer: Told) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")


def check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def processes_of(uid: int) -> list[int]:
    """Ids of the user's processes, but for this one and those that only wait to be buried.

    Their status says whose they are; the owner of their directory does not, for one that forbids to be dumped.
    """
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            lines = (entry / "status").read_text(errors="replace").splitlines()
        except OSError:
            continue  # it ended while we looked
        status = dict(line.partition(":\t")[::2] for line in lines)
        if int(entry.name) == os.getpid() or status["State"][0] in "ZX":
            continue
        if int(status["Uid"].split()[0]) == uid:
            found.append(int(entry.name))
    return found


def prepare(told: Told) -> None:
    """Make the slot's home and workspace and the run's /tmp; refuse a second slot where a user is for one alone."""
    home, slots, slot = Path(told["home"]), Path(told["home"], "slots"), told["slot"]
    os.umask(0o077)
    lock = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    slots.mkdir(exist_ok=True)
    slots.chmod(0o755)
    others = sorted(entry.name for entry in slots.iterdir() if entry.name != slot)
    if others and told["exclusive"]:
        raise RefusedError("taken", f"it keeps the workspace of {', '.join(others)}")
    for path in (slots / slot / "home", slots / slot / "workspace", home / told["scratch"]):
        path.mkdir(parents=True, exist_ok=True)
    say({"ok": True})


def give_up(told: Told) -> None:
    """Remove a slot with its workspace, when no run has it."""
    others = processes_of(os.getuid())
    if others:
        raise RefusedError("busy", f"it runs processes: {', '.join(map(str, others[:10]))}")
    shutil.rmtree(Path(told["home"], "slots", told["slot"]), ignore_errors=True)
    say({"ok": True})


def run(told: Told) -> None:
    """Become the program. The answer, its process id, comes before it starts; what follows is its own output."""
    account = told["account"]
    others = processes_of(account["uid"]) if told["exclusive"] else []
    if others:
        raise RefusedError("busy", f"it runs processes already: {', '.join(map(str, others[:10]))}")
    command = found_command(told)
    isolate(told)
    set_limits(exclusive=told["exclusive"])
    os.chdir(told["directory"])
    os.umask(0o022)
    say({"pid": os.getpid()})
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    step_down(account, command, told["env"])


def found_command(told: Told) -> list[str]:
    name, *arguments = told["command"]
    program = shutil.which(name, path=told["env"].get("PATH", SEARCH_PATH))
    if program is None:
        raise RefusedError("no_program", f"no such program: {name}")
    return [program, *arguments]


def step_down(account: Told, command: list[str], environment: dict[str, str]) -> NoReturn:
    """Replace this process by `command`, without any right to gain rights again (setpriv(1))."""
    setpriv = shutil.which("setpriv", path=SEARCH_PATH)
    if setpriv is None:
        raise RefusedError("no_program", "setpriv is not installed (package util-linux)")
    arguments = ["setpriv", "--no-new-privs", "--inh-caps=-all"]
    if os.geteuid() == 0 and account["uid"] != 0:
        groups = "--init-groups" if account["known"] else "--clear-groups"
        arguments += ["--bounding-set=-all", f"--reuid={account['uid']}", f"--regid={account['gid']}", groups]
    os.execve(setpriv, [*arguments, "--", *command], environment)  # noqa: S606  argv, and no shell to be fooled


def isolate(told: Told) -> None:
    """A network of its own with nothing but a loopback, and a /tmp of its own, as asked and where it can be had."""
    network, private_tmp = told["isolate_network"], told["private_tmp"]
    kinds = (CLONE_NEWNET if network else 0) | (CLONE_NEWNS if private_tmp else 0)
    try:
        if kinds:
            unshare(kinds)
    except OSError as error:
        if network:
            raise RefusedError("no_namespace", str(error)) from error
        return  # the host's network was asked for, and TMPDIR leads to the run's own directory anyway
    if private_tmp:
        scratch = os.fsencode(Path(told["home"], told["scratch"]))
        # In a chroot / is no mount, and what is mounted could show outside: then TMPDIR alone leads to the scratch.
        if libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0:
            check(libc.mount(scratch, b"/tmp", None, MS_BIND, None), "mount --bind on /tmp")
    if network:
        bring_loopback_up()


def unshare(kinds: int) -> None:
    """Root needs no user namespace for it; everybody else is the only user of one, under their own number."""
    if os.geteuid() == 0:
        check(libc.unshare(kinds), "unshare")
        return
    uid, gid = os.getuid(), os.getgid()
    check(libc.unshare(CLONE_NEWUSER | kinds), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        answer = fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16sH14x", b"lo", 0))
        flags = struct.unpack("16sH14x", answer)[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


def set_limits(*, exclusive: bool) -> None:
    lower(resource.RLIMIT_CORE, 0)
    lower(resource.RLIMIT_NOFILE, OPEN_FILES)
    lower(resource.RLIMIT_FSIZE, LARGEST_FILE_BYTES)
    if exclusive:  # it counts every process of the user, so it means something only for a user who has this run alone
        lower(resource.RLIMIT_NPROC, PROCESSES)


def lower(kind: int, most: int) -> None:
    hard = resource.getrlimit(kind)[1]
    bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (bound, bound))


def enter(told: Told) -> None:
    """A command beside a run that is under way, in its namespaces, on the terminal that is our standard input."""
    with contextlib.suppress(OSError):  # sudo may have made a terminal of its own and given it to us already
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for name in ("net", "mnt") if os.geteuid() == 0 else ("user", "net", "mnt"):
        join(told["pid"], name)
    os.chdir(told["directory"])
    settings = termios.tcgetattr(0)  # the keeper made it quiet, so that what we are told is not shown
    settings[3] |= termios.ECHO | termios.ICANON
    termios.tcsetattr(0, termios.TCSANOW, settings)
    step_down(told["account"], found_command(told), told["env"])


def join(pid: int, name: str) -> None:
    theirs = Path(f"/proc/{pid}/ns/{name}")
    if theirs.readlink() == Path(f"/proc/self/ns/{name}").readlink():
        return
    namespace = os.open(theirs, os.O_RDONLY)
    check(libc.setns(namespace, 0), f"setns {name}")
    os.close(namespace)


def send_signal(told: Told) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(told["pid"], told["signal"])
    say({"ok": True})


def sweep(told: Told) -> None:
    """Kill every process of this user, and remove the run's scratch directory. Only for a user who has one run."""
    left: list[int] = []
    for _ in range(SWEEPS):
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        left = processes_of(os.getuid())
        if not left:
            break
        time.sleep(SWEEP_PAUSE_S)
    shutil.rmtree(Path(told["home"], told["scratch"]), ignore_errors=True)
    say({"ok": not left, "left": left})


def clear(told: Told) -> None:
    """Remove the scratch directory of a run that was never started."""
    shutil.rmtree(Path(told["home"], told["scratch"]), ignore_errors=True)
    say({"ok": True})


VERBS = {
    "prepare": prepare, "give_up": give_up, "run": run, "enter": enter, "signal": send_signal, "sweep": sweep,
    "clear": clear,
}  # fmt: skip


def main() -> None:
    try:
        told = read_line()
        VERBS[told["do"]](told)
    except RefusedError as error:
        say({"error": error.message, "kind": error.kind})
        sys.exit(1)
    except (OSError, ValueError, KeyError) as error:
        say({"error": f"{type(error).__name__}: {error}", "kind": "failed"})
        sys.exit(1)


if __name__ == "__main__":
    main()

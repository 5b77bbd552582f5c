#!/usr/bin/python3 -IS
"""What another user of this host does for a run: make its directories, become it, signal it, end it.

`freehold doctor --fix` installs this file, owned by root, as the one program that sudo lets the keeper run as that
user; so it imports nothing but Python's standard library (3.11 or newer). It takes no arguments: it reads one line of
JSON from its standard input and answers with one line of JSON. It has no rights of its own, except where root runs it
to make namespaces before it steps down, and to end a run. Root starts no other program here: what a path leads to may
be the agent's.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import pwd
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any, NoReturn

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER = 0x00020000, 0x08000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 0x1, 0x2, 0x4, 0x8, 0x1000, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
CAPABILITIES_VERSION_3 = 0x20080522
KEYCTL, KEYCTL_JOIN_SESSION_KEYRING = {"x86_64": 250, "aarch64": 219}, 1
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
SEARCH_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
LONGEST_LINE = 1024 * 1024
SWEEPS = 200
SWEEP_PAUSE_S = 0.05
PROCESSES, OPEN_FILES, LARGEST_FILE_BYTES, OOM_SCORE_ADJUSTMENT = 1024, 16384, 2 * 1024**3, 500
"""As in a container (`container_config.py`)."""
HELPFUL_TO_ALL = ("/run/dbus", "/run/user", "/run/systemd")
"""Where D-Bus and systemd listen to every user: systemd starts what it is asked to, outside of the run's namespaces
(`systemd-run --user`, `loginctl enable-linger`). The last also finds names for who has the host's network.
"""
FIRST_SPARE_UID, SPARE_UIDS = 2_000_000_000, 100_000_000
"""Numbers that no user database, container or systemd unit uses (systemd's UIDS-GIDS.md), and that no run is lent."""

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
    # What its agent put beside its own slot keeps nobody off but others, who look here before they take the user.
    if others and told["exclusive"] and not os.path.lexists(slots / slot):
        raise RefusedError("taken", f"it keeps the workspace of {', '.join(others)}")
    for path in (slots / slot / "home", slots / slot / "workspace", home / told["scratch"]):
        path.mkdir(parents=True, exist_ok=True)
    say({"ok": True})


def erase(path: Path) -> None:
    """Remove what an agent left, however deep it lies and whatever rights it has; links are not followed."""
    for command in (("rm", "-rf", "--"), ("chmod", "-R", "u+rwx", "--"), ("rm", "-rf", "--")):
        if os.path.lexists(path):
            subprocess.run([*command, path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, env={"PATH": SEARCH_PATH}, check=False)  # fmt: skip


def give_up(told: Told) -> None:
    """Remove everything that a slot left with its user, when no run has it."""
    others = processes_of(os.getuid())
    if others:
        raise RefusedError("busy", f"it runs processes: {', '.join(map(str, others[:10]))}")
    slots = Path(told["home"], "slots")
    erase(slots)
    if os.path.lexists(slots):
        raise RefusedError("failed", f"{slots} could not be removed")
    say({"ok": True})


def run(told: Told) -> None:
    """Become the program. The answer, a process id, comes before it starts; what follows is its own output.

    The process is PID 1 of the run, which is signalled and ended in its stead; without a PID namespace the program.
    """
    account = told["account"]
    others = processes_of(account["uid"]) if told["exclusive"] else []
    if others:
        raise RefusedError("busy", f"it runs processes already: {', '.join(map(str, others[:10]))}")
    command, groups = found_command(told), groups_of(account)
    contained = told["exclusive"] and can_contain()
    isolate(told, contained=contained)
    set_limits(exclusive=told["exclusive"])
    os.umask(0o022)
    if contained:
        contain()
    else:
        say({"pid": os.getpid()})
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    step_down(account, groups)
    os.chdir(told["directory"])
    os.execve(command[0], command, told["env"])  # noqa: S606  argv, and no shell to be fooled


def found_command(told: Told) -> list[str]:
    name, *arguments = told["command"]
    program = shutil.which(name, path=told["env"].get("PATH", SEARCH_PATH))
    if program is None:
        raise RefusedError("no_program", f"no such program: {name}")
    return [program, *arguments]


def groups_of(account: Told) -> list[int]:
    """Looked up before anything is entered that an agent may have a hand in: looking up loads libraries."""
    if os.geteuid() != 0 or not account["known"]:
        return []
    return os.getgrouplist(pwd.getpwuid(account["uid"]).pw_name, account["gid"])


def step_down(account: Told, groups: list[int]) -> None:
    """Be the run's user from here on, without any right, and without any way to gain one again."""
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    if os.geteuid() == 0 and account["uid"] != 0:
        os.setgroups(groups)
        os.setresgid(account["gid"], account["gid"], account["gid"])
        os.setresuid(account["uid"], account["uid"], account["uid"])
    nothing = (ctypes.c_uint32 * 6)()
    check(libc.capset((ctypes.c_uint32 * 2)(CAPABILITIES_VERSION_3, 0), nothing), "capset")
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    # The keeper's session keyring would be the run's too (session-keyring(7)); not every kernel has them.
    libc.syscall(KEYCTL.get(os.uname().machine, -1), KEYCTL_JOIN_SESSION_KEYRING, None)


def can_contain() -> bool:
    """Whether a PID namespace and a /proc for it can be had. Tried by a child: there is no way back from trying."""
    trying = os.fork()
    if trying == 0:
        with contextlib.suppress(OSError):
            unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWPID)
            if make_mounts_private():
                first = os.fork()
                if first:
                    os._exit(code_of(os.waitpid(first, 0)[1]))
                mount_proc()
                os._exit(0)
        os._exit(1)
    return os.waitpid(trying, 0)[1] == 0


def contain() -> None:
    """Go on as a child of PID 1 of a new PID namespace. When PID 1 ends, the kernel ends everything in there.

    Nothing in there can signal PID 1 or what is outside, so a run cannot keep its end from coming. Returns in the child
    only; this process waits, and PID 1 buries the dead. Each ends with its parent.
    """
    check(libc.unshare(CLONE_NEWPID), "unshare")
    ours, theirs = socket.socketpair()
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    first = os.fork()
    if first:
        theirs.close()
        if not ours.recv(1):
            raise RefusedError("failed", "no /proc could be mounted for it")
        say({"pid": first})
        ours.close()
        os._exit(code_of(os.waitpid(first, 0)[1]))
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # one that comes early is kept for later
    ours.close()
    os.setsid()  # else a signal to "my group" would reach the parent, which is outside
    try:
        mount_proc()
    except OSError:
        os._exit(1)
    theirs.send(b"1")
    theirs.recv(1)  # the end: the answer was given, and what is written now is the run's
    child = os.fork()
    if child:
        look_after(child)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    os.setsid()


def look_after(child: int) -> NoReturn:
    """PID 1: pass SIGTERM on, bury everybody's dead, and end when the run's first process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    while True:
        ended, status = os.wait()
        if ended == child:
            os._exit(code_of(status))


def code_of(status: int) -> int:
    """An exit code as a shell tells it: 128 + n for a process that signal n ended."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def mount_proc() -> None:
    check(libc.mount(b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, None), "mount /proc")


def make_mounts_private() -> bool:
    """Whether what is mounted from here on stays in here. In a chroot, where / is no mount, it could show outside."""
    return bool(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0)


def isolate(told: Told, *, contained: bool) -> None:
    """A network of its own with nothing but a loopback, and a /tmp of its own, as asked and where it can be had."""
    network, private_tmp = told["isolate_network"], told["private_tmp"]
    kinds = (CLONE_NEWNET if network else 0) | (CLONE_NEWNS if private_tmp else 0)
    kinds |= CLONE_NEWNS | CLONE_NEWIPC if contained else 0
    try:
        if kinds:
            unshare(kinds)
    except OSError as error:
        if network:
            raise RefusedError("no_namespace", str(error)) from error
        return  # the host's network was asked for, and TMPDIR leads to the run's own directory anyway
    # Where mounts cannot be private, TMPDIR alone leads to the scratch.
    if kinds & CLONE_NEWNS and make_mounts_private():
        hide(HELPFUL_TO_ALL if network else HELPFUL_TO_ALL[:-1])
        if private_tmp:
            mount_tmp(Path(told["home"], told["scratch"]), told["account"]["uid"])
    if network:
        bring_loopback_up()


def hide(directories: tuple[str, ...]) -> None:
    """An empty directory in place of each of these that there is; only rights that no run has take it away again."""
    for path in filter(os.path.isdir, directories):
        flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC
        check(libc.mount(b"none", path.encode(), b"tmpfs", flags, b"mode=0755,size=4k"), f"mount on {path}")


def mount_tmp(scratch: Path, uid: int) -> None:
    """Root may be doing this, and the home is the agent's: a link in place of the directory leads nowhere."""
    directory = os.open(scratch, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
    if os.fstat(directory).st_uid != uid:
        raise RefusedError("failed", f"{scratch} is not the run's")
    check(libc.mount(b"/proc/self/fd/%d" % directory, b"/tmp", None, MS_BIND, None), "mount --bind on /tmp")
    os.close(directory)


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
    with contextlib.suppress(OSError):  # ours may be higher already; memory is not limited, so rather the run than us
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE_ADJUSTMENT))
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
    groups = groups_of(told["account"])
    join_namespaces(told["pid"])
    settings = termios.tcgetattr(0)  # the keeper made it quiet, so that what we are told is not shown
    settings[3] |= termios.ECHO | termios.ICANON
    termios.tcsetattr(0, termios.TCSANOW, settings)
    set_limits(exclusive=told["exclusive"])
    # A PID namespace is the next child's, not ours.
    child = os.fork()
    if child:
        os._exit(code_of(os.waitpid(child, 0)[1]))
    come_to_the_front()
    step_down(told["account"], groups)
    os.chdir(told["directory"])
    command = found_command(told)
    os.execve(command[0], command, told["env"])  # noqa: S606  as above


def join_namespaces(pid: int) -> None:
    """All are opened before the first is joined: from then on /proc may be another one."""
    names = ("net", "ipc", "pid", "mnt") if os.geteuid() == 0 else ("user", "net", "ipc", "pid", "mnt")
    opened = []
    for name in names:
        theirs = Path(f"/proc/{pid}/ns/{name}")
        if theirs.readlink() != Path(f"/proc/self/ns/{name}").readlink():
            opened.append(os.open(theirs, os.O_RDONLY))
    for namespace in opened:
        check(libc.setns(namespace, 0), "setns")
        os.close(namespace)


def come_to_the_front() -> None:
    """Lead a group of our own on the terminal, so that what is typed there interrupts us and not who waits for us."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.setpgid(0, 0)
    with contextlib.suppress(OSError):  # not a terminal of our own
        os.tcsetpgrp(0, os.getpgrp())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)


def send_signal(told: Told) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(told["pid"], told["signal"])
    say({"ok": True})


def end(told: Told) -> None:
    """Kill every process of the run's user, and remove the run's scratch directory. Only for a user who has one run."""
    uid, gid = told["account"]["uid"], told["account"]["gid"]
    if uid <= 0:
        raise RefusedError("failed", "what is root's is nobody's to end")
    if os.geteuid() == 0:
        # One may signal whom one's effective number names, and be signalled under the real and the saved one
        # (kill(2)): so we can end them all, and they cannot end us first.
        spare = FIRST_SPARE_UID + uid % SPARE_UIDS
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(spare, uid, spare)
    if os.geteuid() != uid:
        raise RefusedError("failed", "that is another user's to end")
    left: list[int] = []
    for _ in range(SWEEPS):
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        left = processes_of(uid)
        if not left:
            break
        time.sleep(SWEEP_PAUSE_S)
    os.setresuid(uid, uid, uid)
    erase(Path(told["home"], told["scratch"]))
    say({"ok": not left, "left": left})


def clear(told: Told) -> None:
    """Remove the scratch directory of a run that was never started."""
    erase(Path(told["home"], told["scratch"]))
    say({"ok": True})


VERBS = {
    "prepare": prepare, "give_up": give_up, "run": run, "enter": enter, "signal": send_signal, "end": end,
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

"""A Python kept open on a host, which runs the programs that it is given: each in a process of its own, forked, so that
none waits for Python to start or sees what another left behind.

Its text is sent there (`interpreter.py`): it needs the standard library alone. Frames come in on standard input, each
the number of a program, the length of what follows, and then a name, a NUL and the program; without any of them, the
program of that number is to be killed. Frames go out on standard output: the number, the status, the lengths of what
was said to both streams, and both. At the end of the input it ends, and what still runs goes on.
"""

from __future__ import annotations

import gc
import os
import select
import struct
import sys

ASKED, TOLD = struct.Struct(">IQ"), struct.Struct(">IiQQ")
READY = b"ready\n"
MOST_BYTES = 64 * 1024 * 1024
"""Of either stream of a program. Of one that says more, one byte more is told."""
_PIECE_BYTES = 64 * 1024
_USUAL = ("typing", "json", "zlib", "base64", "concurrent.futures.thread", "pathlib", "hashlib", "http.client", "hmac",
          "pwd", "subprocess", "shutil", "fcntl", "ctypes", "platform", "contextlib", "ssl", "tempfile")  # fmt: skip
"""Loaded while nothing is asked: most programs need some of them, and a forked one has them. In the order of the need
for them."""
_KILL = 9
"""SIGKILL. `signal`, `contextlib` and the like take longer to load than Python to start, and who begins this waits."""


class Child:
    """A program that runs. `said` is what came out of each descriptor, in the order of the streams."""

    def __init__(self, number: int, pid: int, streams: tuple[int, int]) -> None:
        self.number = number
        self.pid = pid
        self.said = {descriptor: bytearray() for descriptor in streams}
        self.open = set(streams)

    def hear(self, descriptor: int) -> bool:
        """Whether more may come out of it."""
        piece = os.read(descriptor, _PIECE_BYTES)
        self.said[descriptor] += piece[: MOST_BYTES + 1 - len(self.said[descriptor])]
        if not piece:
            self.open.discard(descriptor)
            os.close(descriptor)
        return bool(piece)

    def ended(self) -> bytes:
        """The frame that tells of it."""
        _, status = os.waitpid(self.pid, 0)
        status = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        out, err = self.said.values()
        return TOLD.pack(self.number, status, len(out), len(err)) + out + err

    def kill(self) -> None:
        for kill in (os.killpg, os.kill):  # it may not have a group of its own yet
            try:
                kill(self.pid, _KILL)
            except ProcessLookupError:
                continue
            return


def serve() -> None:
    """Until the end of the input."""
    _tell(READY)
    gc.disable()  # programs are short; to look for garbage halves their speed, as all that is shared is copied for it
    poll, usual, heard = select.poll(), list(_USUAL), bytearray()
    poll.register(0, select.POLLIN)
    children: dict[int, Child] = {}
    while True:
        found = poll.poll(0 if usual else None)
        if not found:
            _load(usual.pop(0))
        for descriptor, _ in found:
            if descriptor == 0:
                piece = os.read(0, _PIECE_BYTES)
                if not piece:
                    return
                heard += piece
                for number, body in _frames(heard):
                    _take(number, body, children, poll)
            elif not children[descriptor].hear(descriptor):
                poll.unregister(descriptor)
                child = children.pop(descriptor)
                if not child.open:
                    _tell(child.ended())


def _load(module: str) -> None:
    try:
        __import__(module)
    except ImportError:  # a small Python: whoever needs it says so
        return


def _frames(heard: bytearray) -> list[tuple[int, bytes]]:
    """Those that are whole; they are taken out of `heard`."""
    found = []
    while len(heard) >= ASKED.size:
        number, length = ASKED.unpack_from(heard)
        if len(heard) < ASKED.size + length:
            break
        found.append((number, bytes(heard[ASKED.size : ASKED.size + length])))
        del heard[: ASKED.size + length]
    return found


def _take(number: int, body: bytes, children: dict[int, Child], poll: select.poll) -> None:
    if not body:
        for child in {each for each in children.values() if each.number == number}:
            child.kill()
        return
    out, err = os.pipe(), os.pipe()
    pid = os.fork()
    if not pid:
        _become(body, out[1], err[1])
    os.close(out[1])
    os.close(err[1])
    child = Child(number, pid, (out[0], err[0]))
    for descriptor in child.open:
        children[descriptor] = child
        poll.register(descriptor, select.POLLIN)


def _become(body: bytes, out: int, err: int) -> None:
    """The program itself, as if Python had been started with it; never returns."""
    status = 1
    try:
        os.setsid()
        for descriptor, stream in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (err, 2)):
            os.dup2(descriptor, stream)
        os.closerange(3, 1024)
        name, _, program = body.partition(b"\0")
        sys.argv = ["-", name.decode()]
        try:
            exec(compile(program, "<stdin>", "exec"), {"__name__": "__main__"})  # noqa: S102  this is what it is for
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
            if end.code is not None and not isinstance(end.code, int):
                sys.stderr.write(f"{end.code}\n")
        except BaseException:  # whatever it is, Python itself would say it so
            import traceback

            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status & 255)


def _tell(frame: bytes) -> None:
    left = memoryview(frame)
    while left:
        left = left[os.write(1, left) :]


if __name__ == "__main__":
    serve()

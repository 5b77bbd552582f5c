"""The harness as a process: its standard streams, its last words, and everything that may go wrong with it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
import time
from collections.abc import Callable, Mapping

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.excerpt import excerpt
from freehold.base.redaction import Redaction
from freehold.base.words import size
from freehold.runner.children import Child, Children
from freehold.runner.command import Reader, read_pipe
from freehold.runner.event_file import EventFile
from freehold.wire.acp_rpc import LONGEST_LINE
from freehold.wire.brief import Harness
from freehold.wire.lines import LineSplitter, LineTooLongError

MOST_GARBAGE_LINES = 1000
_GARBAGE_SHOWN = 5
_COMPLAINTS_KEPT = 8 * 1024
_COMPLAINTS_SHOWN = 1500
_COMPLAINT_LINES_LOGGED = 200
_LAST_WORDS_S = 1.0
_HALF_A_CHARACTER = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
HINT = "freehold logs RUN --json shows all it wrote; another harness can be chosen in the agent's config.toml"


class HarnessProcess(asyncio.Protocol):
    """One harness. `on_line` is given each line of its output; `on_fault` the first thing that goes wrong, once."""

    def __init__(self, harness: Harness, events: EventFile, redaction: Redaction) -> None:
        self._harness = harness
        self._events = events
        self._redaction = redaction
        self._splitter = LineSplitter(LONGEST_LINE)
        self._child: Child | None = None
        self._input: asyncio.WriteTransport | None = None
        self._output: asyncio.BaseTransport | None = None
        self._complaints = ""
        self._complaint_lines = 0
        self._garbage: list[str] = []
        self._garbage_lines = 0
        self._ending: asyncio.Task[None] | None = None
        self._output_ended = asyncio.Event()
        self._stopping = False
        self.fault: FreeholdError | None = None
        self.last_heard = time.monotonic()
        self.on_line: Callable[[bytes], None] = lambda _: None
        self.on_fault: Callable[[FreeholdError], None] = lambda _: None

    @property
    def name(self) -> str:
        return self._harness.name

    async def start(self, children: Children, env: Mapping[str, str], cwd: str) -> None:
        """Raises `FreeholdError` when its command cannot be started."""
        try:
            self._child = children.start(
                self._harness.command,
                env={**env, **self._harness.env},
                cwd=cwd,
                stdin=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except FreeholdError as error:
            hint = "Is its command right (`harness` in the agent's config.toml), and is it in the agent's image?"
            raise FreeholdError(Code.HARNESS, f"harness {self.name}: {error.message}", hint) from error
        loop = asyncio.get_running_loop()
        self._input, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, self._child.stdin)
        self._output, _ = await loop.connect_read_pipe(lambda: self, self._child.stdout)
        complaints = await read_pipe(self._child.stderr, self._complain)
        self._ending = loop.create_task(self._see_it_end(self._child, complaints))

    def send(self, line: bytes) -> None:
        if self._input and not self._input.is_closing():
            self._input.write(line)

    def said_garbage(self, line: bytes) -> None:
        """A line was no message: harmless once (programs print), a fault when there is nothing else."""
        self._garbage_lines += 1
        if self._garbage_lines <= _GARBAGE_SHOWN:
            text = self._redaction.text(line.decode("utf-8", "replace"))[:200]
            self._garbage.append(text)
            self._events.log("warning", f"harness {self.name} wrote a line that is no message: {text}")
        if self._garbage_lines > MOST_GARBAGE_LINES:
            self.fail(f"wrote more than {MOST_GARBAGE_LINES} lines that are no messages{self._sample()}")

    def note(self, what: str) -> None:
        """It did `what`, which ends nothing."""
        self._events.log("warning", f"harness {self.name} {what}")

    def fail(self, what: str, hint: str = HINT) -> None:
        """It did `what`: tell, and let nobody wait for it any longer."""
        if self.fault or self._stopping:
            return
        self.fault = FreeholdError(Code.HARNESS, f"harness {self.name} {what}{self._last_words()}", hint)
        self.on_fault(self.fault)

    def failed(self, what: str, hint: str = HINT) -> FreeholdError:
        """The error that says it did `what`, with its last words, for someone who raises it."""
        return self.fault or FreeholdError(Code.HARNESS, f"harness {self.name} {what}{self._last_words()}", hint)

    def unlike_acp(self, what: str) -> FreeholdError:
        hint = (
            "A harness speaks the Agent Client Protocol on its standard streams; some need an argument for that (--acp)"
        )
        return self.failed(f"{what}{self._sample()}", hint)

    async def stop(self, grace_s: float) -> None:
        """End it and its process group."""
        self._stopping = True
        if self._input:
            self._input.close()
        if self._child:
            await self._child.stop(grace_s)
        if self._ending:
            with contextlib.suppress(asyncio.CancelledError):
                await self._ending
        if self._output:
            self._output.close()

    def data_received(self, data: bytes) -> None:
        self.last_heard = time.monotonic()
        try:
            lines = self._splitter.feed(data)
        except LineTooLongError as error:
            self._stop_reading()
            start = self._redaction.text(error.start.decode("utf-8", "replace"))
            self.fail(f"wrote a message of more than {size(error.longest)}; it begins: {start}")
            return
        for line in lines:
            if self.fault is None:
                self.on_line(line)
        if self._events.full:
            self._stop_reading()
            self.fail("floods the run with updates: its event file is full")

    def connection_lost(self, _exc: Exception | None) -> None:
        self._output_ended.set()

    def _stop_reading(self) -> None:
        if isinstance(self._output, asyncio.ReadTransport):
            self._output.pause_reading()

    async def _see_it_end(self, child: Child, complaints: Reader) -> None:
        ended, output_ended = asyncio.ensure_future(child.wait()), asyncio.ensure_future(self._output_ended.wait())
        await asyncio.wait({ended, output_ended}, return_when=asyncio.FIRST_COMPLETED)
        # Whichever end came first, the other follows at once in an orderly death.
        await asyncio.wait({ended, output_ended}, timeout=_LAST_WORDS_S, return_when=asyncio.ALL_COMPLETED)
        if ended.done():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(complaints.ended), _LAST_WORDS_S)
            code = ended.result()
            self.fail(f"ended by itself (exit code {code}){_meaning(code)}{self._sample()}")
        else:
            self.fail("closed its output and goes on running")
        output_ended.cancel()
        await child.wait()

    def _complain(self, text: str) -> None:
        self._complaints = (self._complaints + text)[-_COMPLAINTS_KEPT:]
        for line in filter(str.strip, text.splitlines()):
            self._complaint_lines += 1
            if self._complaint_lines <= _COMPLAINT_LINES_LOGGED:
                self._events.log("debug", f"{self.name}: {excerpt(self._redaction.text(line), 1000)}")
            elif self._complaint_lines == _COMPLAINT_LINES_LOGGED + 1:
                self._events.log("debug", f"{self.name}: what else it writes to standard error is not kept")

    def _last_words(self) -> str:
        text = self._redaction.text(self._complaints).strip()[-_COMPLAINTS_SHOWN:]
        return f"; it wrote last to standard error:\n{text}" if text else ""

    def _sample(self) -> str:
        return f"; it wrote to standard output: {self._garbage[0]}" if self._garbage else ""


def _meaning(exit_code: int) -> str:
    return {126: ": not executable", 127: ": command not found", 137: ": killed, perhaps for want of memory"}.get(
        exit_code, ""
    )


def understands(line: bytes, receive: Callable[[bytes], None]) -> bool:
    """Whether `receive` took the line for a message, if need be without what no decoder takes.

    A tool may give bytes that are no UTF-8, and a program in JavaScript may cut a character outside the basic plane
    in two: both become U+FFFD.
    """
    return _takes(line, receive) or ((mended := _mended(line)) != line and _takes(mended, receive))


def _takes(line: bytes, receive: Callable[[bytes], None]) -> bool:
    try:
        receive(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


def _mended(line: bytes) -> bytes:
    return _HALF_A_CHARACTER.sub(rb"\\ufffd", line.decode("utf-8", "replace").encode())

"""What a run asks leave for, put to whoever sits at this terminal; the run's events go on being shown meanwhile.

`Asking` decides (pure): which question stands, how it reads, what an answer means. `TerminalQuestions` asks: it reads
whole lines of standard input without a thread, so that a question can be taken back when somebody else answered, when
the run ended, and on Ctrl-C.
"""

from __future__ import annotations

import asyncio
import os
import sys
import termios
from collections.abc import Awaitable, Callable, Sequence

import click

from freehold.base.plain_text import clipped, one_line
from freehold.cli.output import note
from freehold.wire.events import AnyEvent, Message, PermissionAnswered, PermissionAsked, RunFinished
from freehold.wire.permission import PermissionOption

SETTLING_S = 0.2
"""So long a request must be the last that was heard of before it is asked: a policy's answer follows at once, and who
reads an older log passes requests that were answered long ago."""

_LONGEST_TITLE = 100
"""Characters of a question: the whole of it was shown above, as the event that it is."""
_BY_LETTER = {"y": "allow_once", "yes": "allow_once", "n": "reject_once", "no": "reject_once"}


def option_meant(typed: str, options: Sequence[PermissionOption]) -> str | None:
    """The id of the option that `typed` means: its number as shown, its id or name or the only beginning of one, or
    `y` and `n` where one option allows and one rejects this once. None when it means none, or several.

    Numbers go first: they are ours, and an id that looks like one must not take another option's place.
    """
    word = typed.strip().casefold()
    if word.isdecimal() and word.isascii() and len(word) < 4:
        number = int(word)
        return options[number - 1].id if 1 <= number <= len(options) else None
    if not word:
        return None
    spelt = [(option.id, {_spelt(option.id), _spelt(option.name)}) for option in options]
    meant = {each for each, words in spelt if word in words} or {
        each for each, words in spelt if any(one.startswith(word) for one in words)
    }
    if not meant:
        meant = {option.id for option in options if option.kind == _BY_LETTER.get(word)}
    return meant.pop() if len(meant) == 1 else None


def question_lines(asked: PermissionAsked) -> list[str]:
    """The question and its options, numbered, each on a line of its own: it fits into a narrow terminal."""
    options = (f"    {number}  {_shown(option)}" for number, option in enumerate(asked.options, 1))
    return [f"  {clipped(asked.title, _LONGEST_TITLE)}?", *options]


def prompt_of(asked: PermissionAsked) -> str:
    return f"  answer (1-{len(asked.options)}, or how one begins): "


class Asking:
    """The questions of one run that are open, oldest first."""

    def __init__(self) -> None:
        self._open: dict[str, PermissionAsked] = {}

    def see(self, event: AnyEvent) -> None:
        """What an event opens and closes; nothing is asked once the run has ended."""
        if isinstance(event, PermissionAsked) and event.options:
            self._open[event.permission_id] = event
        elif isinstance(event, PermissionAnswered):
            self.close(event.permission_id)
        elif isinstance(event, RunFinished):
            self._open.clear()

    @property
    def current(self) -> PermissionAsked | None:
        return next(iter(self._open.values()), None)

    def close(self, permission_id: str) -> None:
        self._open.pop(permission_id, None)


class TerminalQuestions:
    """Asks at standard input, one question at a time. `answer` sends a permission's id and an option's to the keeper;
    it raises nothing. `elsewhere` is said of a question where nobody can be asked here.

    Tell it of each event with `before` and `see`, in that order and with the event shown in between; `stop` as soon as
    the person wants out, and `close` at the end. What was typed before a question stood there does not answer it.
    """

    def __init__(self, answer: Callable[[str, str], Awaitable[None]], elsewhere: str) -> None:
        self._answer = answer
        self._elsewhere = elsewhere
        self._asking = Asking()
        self._put = ""
        self._stopped = False
        self._soon: asyncio.TimerHandle | None = None
        self._sending: set[asyncio.Task[None]] = set()

    def before(self) -> None:
        """Something is about to be shown: it begins on a line of its own, below the question that stands."""
        if self._put:
            click.echo(err=True)

    def see(self, event: AnyEvent) -> None:
        self._asking.see(event)
        current = self._asking.current
        if self._put and (current is None or current.permission_id != self._put):
            self._take_back()
        if self._put and current:
            if isinstance(event, Message):  # it stopped within a line, maybe
                click.echo(err=True)
            click.echo(prompt_of(current), nl=False, err=True)
        elif current:
            self._ask_soon()

    def stop(self) -> None:
        """Ask nothing any more; the question that stands is taken back."""
        self._stopped = True
        if self._soon:
            self._soon.cancel()
        if self._put:
            click.echo(err=True)
            self._take_back()

    async def close(self) -> None:
        """As `stop`; and an answer that was given is sent before this returns, or given up with its caller."""
        self.stop()
        try:
            await asyncio.gather(*self._sending)
        finally:
            for task in self._sending:
                task.cancel()

    def _ask_soon(self) -> None:
        if self._soon:
            self._soon.cancel()
        if not self._stopped:
            self._soon = asyncio.get_running_loop().call_later(SETTLING_S, self._ask)

    def _ask(self) -> None:
        current = self._asking.current
        if current is None or self._stopped or self._put:
            return
        if not at_terminal():
            self._asking.close(current.permission_id)
            note(f"  {self._elsewhere}")
            return
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
        self._put = current.permission_id
        for line in question_lines(current):
            note(line)
        click.echo(prompt_of(current), nl=False, err=True)
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._take)

    def _take(self) -> None:
        typed, current = _typed(), self._asking.current
        if current is None:
            return
        option_id = option_meant(typed, current.options)
        if typed and option_id is None:
            note("  that is none of them, or more than one")
            click.echo(prompt_of(current), nl=False, err=True)
            return
        self._asking.close(current.permission_id)
        self._take_back()
        if option_id is None:
            note("\n  not answered here; in the end the agent's permission_default decides")
        else:
            self._send(current.permission_id, option_id)
        if self._asking.current:
            self._ask_soon()

    def _send(self, permission_id: str, option_id: str) -> None:
        async def send() -> None:
            await self._answer(permission_id, option_id)

        task = asyncio.create_task(send())
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def _take_back(self) -> None:
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        self._put = ""
        if at_terminal():
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


def at_terminal() -> bool:
    """Whether a person can be asked here: standard input is a terminal, and this program is in its foreground."""
    try:
        return sys.stdin is not None and sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:  # a terminal, and not ours
        return False


def _typed() -> str:
    """A line with its end; the empty string for Ctrl-D, and when the terminal is gone."""
    try:
        return os.read(sys.stdin.fileno(), 4096).decode(errors="replace")
    except OSError:
        return ""


def _spelt(text: str) -> str:
    return one_line(text).strip().casefold()


def _shown(option: PermissionOption) -> str:
    name, option_id = one_line(option.name).strip(), one_line(option.id).strip()
    return f"{name} ({option_id})" if name and name != option_id else option_id

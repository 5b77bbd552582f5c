"""A chat at a terminal: what is typed stays at the bottom, what the agent says and does goes by above it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Coroutine
from typing import Any

import click
from prompt_toolkit import PromptSession
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.styles import Style

from freehold.base.errors import FreeholdError
from freehold.base.plain_text import one_line
from freehold.cli.chat_state import ChatState, Press
from freehold.cli.chat_talk import Talk
from freehold.cli.context import Context
from freehold.cli.event_view import EventView
from freehold.cli.follow import Follower
from freehold.cli.live_text import LiveText
from freehold.cli.output import note, paint
from freehold.cli.question import SETTLING_S, Asking, option_meant, question_lines
from freehold.client.keeper import KeeperConnection
from freehold.wire.events import AnyEvent, Message, PermissionAsked, RunFinished, TurnFinished, TurnStarted
from freehold.wire.runs import Phase

_HELP = """  Enter           says it; while the agent is at work it is answered next
  Alt-Enter       another line; a text of several lines that is pasted is one message
  Ctrl-C          interrupts the agent; once more ends the run
  Ctrl-D, /quit   finishes: what was said is answered, then the run ends
  /help           this
  Closing the terminal ends nothing: `freehold chat --continue RUN` goes on.
  After 15 minutes without a word the chat ends."""
_STYLE = Style.from_dict({"bottom-toolbar": "noreverse ansibrightblack", "prompt": "ansicyan bold"})
_QUIET = (Message, TurnStarted, TurnFinished, PermissionAsked, RunFinished)


class TerminalChat:
    """One chat. `hold` is the whole of it."""

    def __init__(self, context: Context, talk: Talk, *, verbose: bool = False) -> None:
        self._context = context
        self._talk = talk
        self._state = ChatState()
        self._asking = Asking()
        self._asked: PermissionAsked | None = None
        self._draft = ""
        self._view = EventView(verbose=verbose)
        self._text = LiveText(shutil.get_terminal_size().columns - 1)
        self._follower = Follower(context, talk.run_id, show=self._show)
        self._doing: set[asyncio.Task[None]] = set()
        self._left = asyncio.Event()
        self._session: PromptSession[str] = PromptSession(
            self._prompt,
            bottom_toolbar=self._toolbar,
            key_bindings=self._keys(),
            style=_STYLE,
            erase_when_done=True,
            reserve_space_for_menu=0,
        )

    async def hold(self, connection: KeeperConnection | None) -> RunFinished:
        """Until the run ends. Raises `KeyboardInterrupt` when the person does not wait for that."""
        with patch_stdout(raw=True):
            following = asyncio.create_task(self._follower.follow(connection))
            typing = asyncio.create_task(self._type())
            left = asyncio.create_task(self._left.wait())
            try:
                await asyncio.wait({following, typing, left}, return_when=asyncio.FIRST_COMPLETED)
                if not following.done():
                    note(f"the run goes on; go on with it: freehold chat --continue {self._talk.run_id}")
                    if typing.done():
                        typing.result()
                    raise KeyboardInterrupt
                return following.result()
            finally:
                await self._end(following, typing, left, *self._doing)

    async def _end(self, *tasks: asyncio.Task[Any]) -> None:
        if self._session.app.is_running:
            # Where the cursor is, was asked of the terminal: its answer would be typed into the shell that comes next.
            await self._session.app.renderer.wait_for_cpr_responses()
        if self._session.app.is_running:
            self._session.app.exit(result="")
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for line in self._text.finish():
            click.echo(line)

    async def _type(self) -> None:
        while not self._state.over:
            try:
                typed = await self._session.prompt_async(default=self._kept())
            except EOFError:
                self._finish()
                continue
            if not self._state.over:
                await self._take(typed.strip("\n"))

    async def _take(self, typed: str) -> None:
        word = typed.strip()
        if self._asked:
            self._answer(self._asked, word)
        elif word == "/help":
            click.echo(_HELP)
        elif word == "/quit":
            self._finish()
        elif word:
            await self._say(typed)

    async def _say(self, text: str) -> None:
        if self._state.finishing:
            note("  the chat is finishing; nothing more is said in it")
            return
        try:
            said = await self._talk.say(text)
        except FreeholdError as error:
            _tell(error)
            self._draft = text
            return
        self._state.said(said.turn)
        if said.ahead or self._state.phase is not Phase.SESSION:
            note(paint(f"  waits for its turn: {one_line(text)[:60]}", dim=True))

    def _answer(self, asked: PermissionAsked, typed: str) -> None:
        option_id = option_meant(typed, asked.options)
        if option_id is None:
            note("  that is none of them, or more than one")
            return
        self._asking.close(asked.permission_id)
        self._put_question()
        self._do(self._talk.answer(asked.permission_id, option_id))

    def _finish(self) -> None:
        if not self._state.finishing:
            self._state.finishing = True
            self._do(self._talk.finish())

    def _show(self, event: AnyEvent) -> None:
        self._state.see(event)
        self._asking.see(event)
        asyncio.get_running_loop().call_later(SETTLING_S, self._put_question)
        if not self._context.quiet or isinstance(event, _QUIET):
            self._text.width = max(shutil.get_terminal_size().columns - 1, 20)
            for line in self._text.add(self._view.text(event)):
                click.echo(line)
        self._session.app.invalidate()

    def _put_question(self) -> None:
        """Ask what stands longest, in the place of what is being typed, which comes back afterwards."""
        current = self._asking.current
        if current == self._asked:
            return
        typed = self._session.default_buffer
        if self._asked is None:
            self._draft = typed.text or self._draft
        self._asked = current
        typed.reset()
        if self._session.app.is_running:
            typed.insert_text(self._kept())
        self._session.app.invalidate()

    def _kept(self) -> str:
        """What was being typed, to be typed on; nothing while a question stands."""
        if self._asked:
            return ""
        draft, self._draft = self._draft, ""
        return draft

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        async def told() -> None:
            try:
                await work
            except FreeholdError as error:
                _tell(error)

        task = asyncio.create_task(told())
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)

    def _prompt(self) -> StyleAndTextTuples:
        live: StyleAndTextTuples = [("", f"{self._text.rest}\n")] if self._text.rest.strip() else []
        if self._asked:
            lines = "\n".join(question_lines(self._asked))
            return [*live, ("", f"{lines}\n"), ("class:prompt", f"  answer (1-{len(self._asked.options)}): ")]
        return [*live, ("class:prompt", "> ")]

    def _toolbar(self) -> str:
        if self._state.finishing:
            return " finishing · Ctrl-C ends the run at once"
        if self._state.turn:
            return " the agent is at work · Ctrl-C interrupts"
        if self._state.phase is not Phase.SESSION:
            return f" {self._state.phase.replace('_', ' ')} · what you say is answered as soon as the agent is there"
        return " Ctrl-D finishes · /help"

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("c-c")
        def _(event: KeyPressEvent) -> None:
            self._press(event)

        @keys.add("escape", "enter")
        def _(event: KeyPressEvent) -> None:
            event.current_buffer.insert_text("\n")

        return keys

    def _press(self, event: KeyPressEvent) -> None:
        press = self._state.press(event.current_buffer.text)
        if press is Press.CLEAR:
            event.current_buffer.reset()
        elif press is Press.WARN:
            note(paint("  Ctrl-C again, or Ctrl-D, ends the chat", dim=True))
        elif press is Press.INTERRUPT:
            note(paint("  interrupting; Ctrl-C again ends the run", dim=True))
            self._do(self._talk.interrupt())
        elif press is Press.FINISH:
            self._do(self._talk.finish())
        elif press is Press.KILL:
            note("stopping the run; Ctrl-C again does not wait for its end")
            self._do(self._talk.kill())
        else:
            self._left.set()


def _tell(error: FreeholdError) -> None:
    note(paint(f"  {one_line(error.message)}", fg="yellow"))
    if error.hint:
        note(paint(f"  {one_line(error.hint)}", dim=True))

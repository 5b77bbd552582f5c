"""Questions of a wizard at a terminal: lists that are searched by typing, lines of text, Escape for the way back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import one_line
from freehold.base.secret import Secret
from freehold.cli.context import Context
from freehold.deploy.provision.choices import Choice

if TYPE_CHECKING:
    import questionary
    from prompt_toolkit.output import Output

_BACK_TITLE = "← back"


class BackError(FreeholdError):
    """The person wants the question before this one, from within what prepares it. Where there is none before, it ends
    the command."""

    def __init__(self) -> None:
        super().__init__(Code.INTERRUPTED, "nothing was changed")


class Back(Enum):
    """The person wants the question before this one."""

    BACK = "back"


BACK = Back.BACK
Answer = str | Back


def can_ask(context: Context) -> bool:
    return not context.no_input and sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


async def choose(message: str, choices: Sequence[Choice]) -> Answer:
    """One of them, by its value. Ctrl-C raises `KeyboardInterrupt`."""
    import questionary

    listed: list[Any] = [questionary.Choice(one_line(one.title), value=one.value) for one in choices]
    listed.append(questionary.Choice(_BACK_TITLE, value=BACK))
    instruction = "(type to search, arrows, Enter; Esc: back)"
    question = questionary.select(
        message, listed, use_search_filter=True, use_jk_keys=False, instruction=instruction, output=_at_standard_error()
    )
    return await _answer(question)


async def line(message: str, default: str = "", problem: Callable[[str], str] = lambda _: "") -> Answer:
    """A text, with `problem` saying why one cannot be it. Ctrl-C raises `KeyboardInterrupt`."""
    import questionary

    def check(text: str) -> bool | str:
        return problem(text.strip()) or True

    question = questionary.text(
        message, default=default, validate=check, instruction="(Esc: back) ", output=_at_standard_error()
    )
    answer = await _answer(question)
    return answer.strip() if isinstance(answer, str) else answer


async def secret(message: str, problem: Callable[[str], str]) -> Secret:
    """As `line`; of what is typed, only the length is shown. Raises `BackError` for Escape."""
    import questionary

    def check(text: str) -> bool | str:
        return problem(text.strip()) or True

    question = questionary.password(message, validate=check, instruction="(Esc: back) ", output=_at_standard_error())
    answer = await _answer(question)
    if isinstance(answer, Back):
        raise BackError
    return Secret(answer.strip())


def _at_standard_error() -> Output:
    """Results alone are on standard output."""
    from prompt_toolkit.output import create_output

    return create_output(stdout=sys.stderr)


async def _answer(question: questionary.Question) -> Answer:
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings

    keys = KeyBindings()

    @keys.add("escape", eager=True)
    def _leave(event: KeyPressEvent) -> None:
        event.app.exit(result=BACK)

    own = question.application.key_bindings
    question.application.key_bindings = merge_key_bindings([own, keys] if own else [keys])
    answer = await question.unsafe_ask_async()
    if not isinstance(answer, str | Back):
        raise FreeholdError(Code.INTERRUPTED, "the terminal is gone")
    return answer

"""A rehearsal at work: which turn a request is answered with, and what did not go as written (no I/O)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import plural
from freehold.models.answers.speech import Speech, SpokenCall, in_pieces
from freehold.models.call import ModelCall
from freehold.models.conversation import ToolResult, example_of, offered_tools, tool_results, wanted_schema
from freehold.models.rehearsal_file import Script, Turn, read_script
from freehold.models.tokens import Tokens
from freehold.models.toolbox import OfferedTool, ToolUse, can_write, tool_use

SHORT_ANSWER = "A rehearsed run."
"""What requests without tools get: titles, summaries."""
_BYTES_PER_TOKEN = 4
_SHOWN = 400


@dataclass(frozen=True)
class _Waiting:
    """A call that was made and whose result has not come back yet."""

    number: int
    turn: Turn
    call_id: str
    by_tool: bool
    """A file that was written with the harness's own tool: when that refuses, the shell writes it."""


class Rehearsal:
    """Plays a script for one run.

    A turn is used up by a request that offers tools; the same request once more (a client that tries again, streaming
    or not) gets the same turn. `problems()` tells afterwards what was left over or did not come as expected.
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        self._next = 0
        self._answered: dict[str, Speech] = {}
        self._waiting: _Waiting | None = None
        self._problems: list[str] = []

    @classmethod
    def load(cls, path: Path) -> Rehearsal:
        """The rehearsal written in a file. Raises `FreeholdError` (`CONFIG`) as `read_script` does."""
        return cls(read_script(path))

    def answer(self, call: ModelCall) -> Speech:
        """What a request is answered with. Raises `FreeholdError` (`REHEARSAL`) when the script has nothing for it, or
        the harness offers no tool to do it with."""
        fingerprint = _fingerprint(call)
        if fingerprint in self._answered:
            return self._answered[fingerprint]
        speech = self._turn(call, len(self._answered)) if call.offers_tools else self._aside(call, len(self._answered))
        self._answered[fingerprint] = speech
        return speech

    def problems(self) -> list[str]:
        """What did not go as written, in the order in which it was noticed; empty when everything did."""
        problems = list(self._problems)
        if self._waiting is not None and self._waiting.turn.expect is not None:
            problems.append(f"turn {self._waiting.number}: what its tool returned never came back")
        left = len(self._script.turns) - self._next
        if left:
            first = _shown_turn(self._script.turns[self._next])
            problems.append(f"{plural(left, 'turn')} left over, the first of them: {first}")
        return problems

    def _turn(self, call: ModelCall, number: int) -> Speech:
        results = tool_results(call.route.wire_format, call.body)
        offered = offered_tools(call.route.wire_format, call.body)
        again = self._look_back(results)
        if again is not None:
            return self._act(call, again, number, offered, by_shell=True)
        if self._next == len(self._script.turns):
            message = f"the harness asked once more after the last turn ({len(self._script.turns)} in the rehearsal)"
            self._problems.append(message)
            raise FreeholdError(Code.REHEARSAL, message, "add a turn that says what the model would answer")
        turn = self._script.turns[self._next]
        speech = self._act(call, turn, number, offered, by_shell=False)
        self._next += 1
        return speech

    def _act(
        self, call: ModelCall, turn: Turn, number: int, offered: list[OfferedTool], *, by_shell: bool
    ) -> Speech:  # fmt: skip
        try:
            use = tool_use(turn, offered, by_shell=by_shell)
        except FreeholdError as error:
            self._problems.append(f"turn {self._next + 1}: {error.message}")
            raise
        spoken = None if use is None else _spoken(use, number)
        if spoken is not None:
            by_tool = turn.write is not None and not by_shell and can_write(offered)
            self._waiting = _Waiting(self._next + (0 if by_shell else 1), turn, spoken.id, by_tool)
        return _speech(call, number, "" if by_shell else turn.say, spoken)

    def _look_back(self, results: dict[str, ToolResult]) -> Turn | None:
        """Check what the last call returned; a turn that is to be done once more, by the shell."""
        waiting = self._waiting
        result = results.get(waiting.call_id) if waiting else None
        if waiting is None or result is None:
            return None
        self._waiting = None
        if waiting.by_tool and result.failed:
            return waiting.turn  # Claude Code does not overwrite a file that it has not read
        if waiting.turn.expect and not waiting.turn.expect.search(result.text):
            returned = result.text.strip()[:_SHOWN] or "nothing"
            wanted = waiting.turn.expect.pattern
            self._problems.append(f"turn {waiting.number}: its tool did not return /{wanted}/, but: {returned}")
        return None

    def _aside(self, call: ModelCall, number: int) -> Speech:
        schema = wanted_schema(call.route.wire_format, call.body)
        text = SHORT_ANSWER if schema is None else msgspec.json.encode(example_of(schema)).decode()
        return _speech(call, number, text, None)


def _spoken(use: ToolUse, number: int) -> SpokenCall:
    return SpokenCall(f"call_rehearsed_{number + 1}", use.tool.name, use.arguments, use.tool.kind, use.text)


def _speech(call: ModelCall, number: int, text: str, spoken: SpokenCall | None) -> Speech:
    written = len(text) + (len(spoken.arguments_json) if spoken else 0)
    tokens = Tokens(input=call.size_bytes // _BYTES_PER_TOKEN, output=max(1, written // _BYTES_PER_TOKEN))
    return Speech(f"rehearsed{number + 1}", call.model, in_pieces(text), spoken, tokens)


def _fingerprint(call: ModelCall) -> str:
    """The same for a request and its repetition, whether that is a stream or not."""
    body = {key: value for key, value in call.body.items() if key not in ("stream", "stream_options")}
    data = msgspec.json.encode([call.route.wire_format, call.model, body], order="deterministic")
    return hashlib.sha256(data).hexdigest()


def _shown_turn(turn: Turn) -> str:
    text = turn.shell or (f"write {turn.write.path}" if turn.write else turn.say)
    return text.strip().splitlines()[0][:_SHOWN] if text.strip() else "an empty turn"

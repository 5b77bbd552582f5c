"""A rehearsal at work: which turn a request is answered with, and what did not go as written."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import write_atomically
from freehold.base.words import plural
from freehold.models.answers.speech import Speech, SpokenCall, in_pieces
from freehold.models.call import ModelCall
from freehold.models.conversation import ToolResult, example_of, offered_tools, tool_results, wanted_schema
from freehold.models.expectation import is_met
from freehold.models.rehearsal_file import Script, Turn, read_script
from freehold.models.tokens import Tokens
from freehold.models.toolbox import ToolUse, can_write, tool_use

SHORT_ANSWER = "A rehearsed run."
"""What requests without tools get: titles, summaries."""
_BYTES_PER_TOKEN = 4
_SHOWN = 400


class Waiting(msgspec.Struct, frozen=True):
    """A call that was made and whose result has not come back yet. `turn` counts from 0."""

    turn: int
    call_id: str
    by_tool: bool
    """A file that was written with the harness's own tool: when that refuses, the shell writes it."""


class Played(msgspec.Struct, frozen=True):
    """What a request was answered with: a turn, counted from 0, or -1 for a short answer."""

    number: int
    """Of the answer; it makes its ids."""
    turn: int = -1
    by_shell: bool = False


class Progress(msgspec.Struct):
    """How far a rehearsal has come; `played` by the fingerprint of the request."""

    next_turn: int = 0
    played: dict[str, Played] = {}
    waiting: Waiting | None = None
    problems: list[str] = []


class Rehearsal:
    """Plays a script for one run.

    A turn is used up by a request that offers tools; the same request once more (a client that tries again, streaming
    or not) gets the same turn. `problems()` tells afterwards what was left over or did not come as expected.
    With `progress_file` it goes on where it was when another process takes the run over.
    """

    def __init__(self, script: Script, progress_file: Path | None = None) -> None:
        """Raises `FreeholdError` (`REHEARSAL`) when the progress of the process before cannot be read."""
        self._script = script
        self._file = progress_file
        self._progress = _read_progress(progress_file)
        if self._progress.next_turn > len(script.turns):
            raise FreeholdError(Code.REHEARSAL, f"{progress_file}: the rehearsal was edited while it was played")

    @classmethod
    def load(cls, path: Path, progress_file: Path | None = None) -> Rehearsal:
        """The rehearsal written in a file. Raises `FreeholdError` (`CONFIG`) as `read_script` does."""
        return cls(read_script(path), progress_file)

    def answer(self, call: ModelCall) -> Speech:
        """What a request is answered with. Raises `FreeholdError` (`REHEARSAL`) when the script has nothing for it, or
        the harness offers no tool to do it with. It may take seconds (`expectation`)."""
        fingerprint = _fingerprint(call)
        played = self._progress.played.get(fingerprint)
        try:
            if played is None:
                played = self._choose(call) if call.offers_tools else Played(len(self._progress.played))
                speech = self._say(call, played)
                self._note(played, speech, call)
                self._progress.played[fingerprint] = played
                return speech
            return self._say(call, played)
        finally:
            self._keep()

    def problems(self) -> list[str]:
        """What did not go as written, in the order in which it was noticed; empty when everything did."""
        problems, waiting = list(self._progress.problems), self._progress.waiting
        if waiting is not None and self._script.turns[waiting.turn].expect is not None:
            problems.append(f"turn {waiting.turn + 1}: what its tool returned never came back")
        left = len(self._script.turns) - self._progress.next_turn
        if left:
            first = _shown_turn(self._script.turns[self._progress.next_turn])
            problems.append(f"{plural(left, 'turn')} left over, the first of them: {first}")
        return problems

    def _choose(self, call: ModelCall) -> Played:
        number = len(self._progress.played)
        again = self._look_back(tool_results(call.route.wire_format, call.body))
        if again is not None:
            return Played(number, again, by_shell=True)
        if self._progress.next_turn == len(self._script.turns):
            message = f"the harness asked once more after the last turn ({len(self._script.turns)} in the rehearsal)"
            self._progress.problems.append(message)
            raise FreeholdError(Code.REHEARSAL, message, "add a turn that says what the model would answer")
        return Played(number, self._progress.next_turn)

    def _say(self, call: ModelCall, played: Played) -> Speech:
        if played.turn < 0:
            return _speech(call, played.number, _short_answer(call), None)
        turn = self._script.turns[played.turn]
        try:
            use = tool_use(turn, offered_tools(call.route.wire_format, call.body), by_shell=played.by_shell)
        except FreeholdError as error:
            self._progress.problems.append(f"turn {played.turn + 1}: {error.message}")
            raise
        spoken = None if use is None else _spoken(use, played.number)
        return _speech(call, played.number, "" if played.by_shell else turn.say, spoken)

    def _note(self, played: Played, speech: Speech, call: ModelCall) -> None:
        """A turn was used up; what its tool returns is waited for."""
        if played.turn < 0:
            return
        if not played.by_shell:
            self._progress.next_turn = played.turn + 1
        if speech.call is not None:
            writes = self._script.turns[played.turn].write is not None and not played.by_shell
            by_tool = writes and can_write(offered_tools(call.route.wire_format, call.body))
            self._progress.waiting = Waiting(played.turn, speech.call.id, by_tool)

    def _look_back(self, results: dict[str, ToolResult]) -> int | None:
        """Check what the last call returned; the turn that is to be done once more, by the shell."""
        waiting = self._progress.waiting
        result = results.get(waiting.call_id) if waiting else None
        if waiting is None or result is None:
            return None
        self._progress.waiting = None
        if waiting.by_tool and result.failed:
            return waiting.turn  # Claude Code does not overwrite a file that it has not read
        expect = self._script.turns[waiting.turn].expect
        if expect:
            self._compare(waiting.turn, expect, result.text)
        return None

    def _compare(self, turn: int, expect: re.Pattern[str], text: str) -> None:
        met = is_met(expect, text)
        if met:
            return
        returned = text.strip()[:_SHOWN] or "nothing"
        if met is None:
            told = f"/{expect.pattern}/ takes too long to be looked for in what its tool returned: {returned}"
        else:
            told = f"its tool did not return /{expect.pattern}/, but: {returned}"
        self._progress.problems.append(f"turn {turn + 1}: {told}")

    def _keep(self) -> None:
        if self._file is None:
            return
        try:
            write_atomically(self._file, msgspec.json.encode(self._progress))
        except OSError as error:
            raise FreeholdError(
                Code.DISK, f"{self._file}: how far the rehearsal came cannot be kept ({error.strerror})", "make room"
            ) from None


def _read_progress(path: Path | None) -> Progress:
    if path is None or not path.exists():
        return Progress()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Progress)
    except (OSError, msgspec.DecodeError) as error:
        raise FreeholdError(Code.REHEARSAL, f"{path}: how far the rehearsal came cannot be read ({error})") from None


def _short_answer(call: ModelCall) -> str:
    schema = wanted_schema(call.route.wire_format, call.body)
    return SHORT_ANSWER if schema is None else msgspec.json.encode(example_of(schema)).decode()


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

"""`run --record`: writes the rehearsal of a real run from what its models answered."""

from __future__ import annotations

from pathlib import Path

from freehold.base.files import write_atomically
from freehold.models.call import ModelCall
from freehold.models.heard import Heard, HeardCall
from freehold.models.rehearsal_file import Turn
from freehold.models.rehearsal_text import Note, write_script
from freehold.models.toolbox import read_use

_SHOWN = 200


class Watch:
    """Listens to one answer as it passes."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard

    def event(self, payload: bytes) -> None:
        self._heard.take_event(payload)

    def body(self, body: bytes) -> None:
        self._heard.take_body(body)


class Recorder:
    """Collects the turns of a run for the file `path`; `harness` is named in it.

    Requests without tools are no turns; an answer that was cut is none either.
    """

    def __init__(self, path: Path, harness: str = "") -> None:
        self._path = path
        self._harness = harness
        self._answers: list[Heard] = []

    def watch(self, call: ModelCall) -> Watch | None:
        """A watch on the answer to `call`; None when it is no turn."""
        if not call.turn:
            return None
        self._answers.append(Heard(call.route.wire_format))
        return Watch(self._answers[-1])

    def entries(self) -> list[Turn | Note]:
        """What was heard, as turns; what a rehearsal cannot do is noted where it happened."""
        entries: list[Turn | Note] = []
        for heard in self._answers:
            if heard.finished:
                entries.extend(_turns_of(heard))
        return entries

    def write(self) -> int:
        """Write the rehearsal; how many turns it has. Raises `OSError`. With no turn at all nothing is written."""
        entries = self.entries()
        count = sum(isinstance(entry, Turn) for entry in entries)
        if count:
            head = f"# Recorded from a run of {self._harness}.\n" if self._harness else ""
            write_atomically(self._path, (head + write_script(entries)).encode(), mode=0o644)
        return count


def _turns_of(heard: Heard) -> list[Turn | Note]:
    """One turn for each call of a tool, the first with what was said; a text alone is a turn of its own."""
    entries: list[Turn | Note] = []
    say = heard.text.strip("\n")
    for call in heard.calls:
        turn = read_use(call.name, call.arguments)
        if turn is None:
            entries.append(_note(call))
            continue
        entries.append(Turn(say=say, shell=turn.shell, write=turn.write))
        say = ""
    if say and (heard.calls or say.strip()):
        # Said beside calls that cannot be rehearsed, it would end the conversation too early.
        entries.insert(0, Note(f"said: {say}") if heard.calls else Turn(say=say))
    return entries


def _note(call: HeardCall) -> Note:
    return Note(f"not rehearsed: {call.name[:_SHOWN]} {str(call.arguments)[:_SHOWN]}")

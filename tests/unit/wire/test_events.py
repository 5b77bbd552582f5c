"""The event format: what a line looks like, and that testimony cannot pass for a fact."""

import json

import msgspec
import pytest

from freehold.wire import events
from freehold.wire.runs import Outcome, Phase, Result, Trigger, Usage


def test_a_line_carries_version_sequence_run_time_and_type() -> None:
    line = events.encode(events.Message(seq=3, run_id="dev-x", ts="2026-01-01T00:00:00.000Z", text="hello"))
    assert line.endswith(b"\n")
    assert json.loads(line) == {
        "v": 1, "seq": 3, "run_id": "dev-x", "ts": "2026-01-01T00:00:00.000Z", "type": "message", "text": "hello",
        "container_seq": 0,
    }  # fmt: skip


def test_run_finished_is_the_outcome_laid_flat() -> None:
    outcome = Outcome(
        agent="dev", attempt=2, trigger=Trigger(), result=Result.COMPLETED, phases_s={Phase.SESSION: 1.5},
        usage=Usage(input=3),
    )  # fmt: skip
    line = events.encode(events.RunFinished.of(outcome))
    assert json.loads(line)["phases_s"] == {"session": 1.5}
    decoded = events.decode(line)
    assert isinstance(decoded, events.RunFinished)
    assert decoded.outcome() == outcome


@pytest.mark.parametrize("host_type", sorted(events.HOST_TYPES))
def test_a_host_event_from_inside_is_refused(host_type: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        events.decode_testimony(json.dumps({"v": 1, "seq": 1, "type": host_type, "phase": "session"}).encode())


def test_the_type_lists_name_every_event() -> None:
    def tags(*classes: type[events.Event]) -> set[str]:
        return {str(leaf.__struct_config__.tag) for base in classes for leaf in base.__subclasses__()}

    assert tags(events.HostEvent) == events.HOST_TYPES
    assert tags(events.Testimony) == events.TESTIMONY_TYPES

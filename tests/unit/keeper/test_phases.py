"""Phases: in order, timed by the keeper, taken up after a crash."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.base.clock import FakeClock
from freehold.base.errors import FreeholdError
from freehold.keeper.event_log import EventLog, read_events
from freehold.keeper.phases import Phases
from freehold.wire.events import PhaseFinished, PhaseStarted
from freehold.wire.runs import Phase


def story(path: Path) -> list[str]:
    marks = {PhaseStarted: "+", PhaseFinished: "-"}
    return [
        marks[type(event)] + event.phase
        for event in read_events(path)
        if isinstance(event, PhaseStarted | PhaseFinished)
    ]


def test_each_phase_ends_where_the_next_begins(tmp_path: Path) -> None:
    clock = FakeClock()
    phases = Phases(EventLog(tmp_path / "events.jsonl", "dev-x", clock), clock)
    phases.enter(Phase.QUEUE)
    clock.advance(1.5)
    phases.enter(Phase.CONTAINER)
    clock.advance(0.25)
    phases.close()
    assert story(tmp_path / "events.jsonl") == ["+queue", "-queue", "+container", "-container"]
    assert phases.durations_s == {Phase.QUEUE: 1.5, Phase.CONTAINER: 0.25}


def test_a_runner_cannot_go_back_or_enter_twice(tmp_path: Path) -> None:
    clock = FakeClock()
    phases = Phases(EventLog(tmp_path / "events.jsonl", "dev-x", clock), clock)
    for phase in (Phase.SESSION, Phase.SESSION, Phase.PRE_HOOKS, Phase.QUEUE):
        phases.enter(phase)
    phases.close()
    phases.enter(Phase.SESSION)
    assert story(tmp_path / "events.jsonl") == ["+session", "-session"]


def test_a_new_keeper_goes_on_in_the_open_phase(tmp_path: Path) -> None:
    path, clock = tmp_path / "events.jsonl", FakeClock()
    first = Phases(EventLog(path, "dev-x", clock), clock)
    first.enter(Phase.QUEUE)
    clock.advance(1)
    first.enter(Phase.SESSION)
    clock.advance(2)
    second = Phases(EventLog(path, "dev-x", clock), clock)
    for event in read_events(path):
        second.recover(event)
    clock.advance(3)
    second.close()
    assert second.durations_s == {Phase.QUEUE: 1.0, Phase.SESSION: 5.0}
    assert story(path) == ["+queue", "-queue", "+session", "-session"]


def test_a_run_that_is_prepared_anew_goes_through_its_phases_without_repeating_them(tmp_path: Path) -> None:
    path, clock = tmp_path / "events.jsonl", FakeClock()
    first = Phases(EventLog(path, "dev-x", clock), clock)
    first.enter(Phase.QUEUE)
    first.enter(Phase.IMAGE)
    second = Phases(EventLog(path, "dev-x", clock), clock)
    for event in read_events(path):
        second.recover(event)
    for phase in (Phase.QUEUE, Phase.IMAGE, Phase.CREDENTIALS):
        second.enter(phase)
    assert story(path) == ["+queue", "-queue", "+image", "-image", "+credentials"]


def test_what_could_not_be_written_did_not_happen(tmp_path: Path) -> None:
    clock = FakeClock()
    log = EventLog(tmp_path / "events.jsonl", "dev-x", clock)
    phases = Phases(log, clock)
    phases.enter(Phase.QUEUE)
    log.close()
    with pytest.raises(FreeholdError):
        phases.close()
    assert phases.durations_s == {}
    with pytest.raises(FreeholdError):
        phases.enter(Phase.IMAGE)
    assert story(tmp_path / "events.jsonl") == ["+queue"]

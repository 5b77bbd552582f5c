"""SIGKILL of the keeper while a harness and a model are at work: the session goes on, and what was asked is charged."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import msgspec
import pytest

from freehold.keeper.event_log import each_event
from freehold.keeper.history import EVENTS, RUNS
from freehold.models.answers.speech import Speech
from freehold.models.fake_upstream import Behaviour
from freehold.models.spend import Amount, Book
from freehold.models.tokens import Tokens
from freehold.wire.events import ToolFinished, ToolStarted
from tests.support.installation import Installation, finished, printed, until
from tests.support.provider import Provider

pytestmark = pytest.mark.docker

REHEARSAL = """\
version: 1
turns:
  - {say: First., shell: "echo one >> /workspace/done; sleep 1; cat /workspace/done", expect: "^one$"}
  - {say: Second., shell: "echo two >> /workspace/done; cat /workspace/done", expect: "one\\ntwo"}
  - say: Done.
"""


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


def kill_keeper(here: Installation) -> None:
    pid = here.keeper_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def test_a_rehearsal_goes_on_where_it_was(here: Installation) -> None:
    here.agent(rehearsal=REHEARSAL)
    following = here.start("run", "dev", "--json")
    until(lambda: _has(here, ToolStarted))
    kill_keeper(here)
    out, err = following.communicate(timeout=60)
    assert following.returncode == 0, out + err
    told = printed(out)
    assert finished(told).error is None
    outputs = [event.output.split() for event in told if isinstance(event, ToolFinished)]
    assert outputs == [["one"], ["one", "two"]]
    assert finished(told).usage.turns == 3


def test_a_rehearsal_that_ended_without_a_keeper_was_played_to_its_end(here: Installation) -> None:
    here.agent(rehearsal=REHEARSAL)
    keeper = here.mortal_keeper("ended")
    assert finished(here.run("dev")).error is None
    assert keeper.wait(10) == -signal.SIGKILL


def test_a_request_under_way_is_charged_in_full_and_asked_again(here: Installation, provider: Provider) -> None:
    (here.project / "config.toml").write_text(
        f'[models.main]\nprovider = "custom"\nmodel = "m-1"\nbase_url = "http://127.0.0.1:{provider.port}/v1"\n'
    )
    here.agent(models=["main"], budget={"tokens_per_run": 1_000_000})
    here.freehold("creds", "add", "custom_key", "--field", "token=k-0123456789", "--field", "hosts=127.0.0.1")
    speech = Speech("1", "m-1", ("Done.",), None, Tokens(input=100, output=10))
    provider.upstream.behave(Behaviour(speech, stall=True, stop_after=1), Behaviour(speech))
    following = here.start("run", "dev", "--json")
    until(lambda: provider.upstream.open_streams == 1 and bool(book(here).holds))
    [hold] = book(here).holds.values()
    kill_keeper(here)
    out, err = following.communicate(timeout=60)
    assert following.returncode == 0, out + err
    assert len(provider.upstream.seen) == 2
    end = finished(printed(out))
    assert (end.result, end.usage.input, end.usage.output) == ("completed", 100, 10)
    [day] = book(here).days.values()
    assert day.project == hold.amount + Amount(tokens=110, turns=1)
    assert (book(here).holds, book(here).runs) == ({}, {})


def book(here: Installation) -> Book:
    path = here.state / "spend.json"
    return msgspec.json.decode(path.read_bytes(), type=Book) if path.exists() else Book()


def _has(here: Installation, kind: type) -> bool:
    files = [here.state / RUNS / run_id / EVENTS for run_id in here.run_ids()]
    return any(isinstance(event, kind) for file in files for event in each_event(file))

"""A chat at a real terminal: typed, asked for leave, helped, finished; and a pipe whose line is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.wire.events import PermissionAnswered, TurnFinished, TurnStarted
from tests.support.installation import Installation, finished
from tests.support.terminal import at_terminal

pytestmark = pytest.mark.docker

REHEARSAL = """\
version: 1
turns:
  - {say: May I?, shell: "echo allowed > /workspace/done; cat /workspace/done", expect: allowed}
  - say: I did it.
  - say: Goodbye.
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    # The terminal of this test answers no questions about itself, as every real one does.
    monkeypatch.setenv("PROMPT_TOOLKIT_NO_CPR", "1")
    installation = Installation(tmp_path)
    yield installation
    installation.close()


def test_a_person_talks_allows_and_leaves(here: Installation) -> None:
    here.agent(rehearsal=REHEARSAL, permissions="ask")
    dialogue = [
        ("▸ session", "Do it."),
        ("answer (1-3)", "nonsense"),
        ("none of them", "1"),
        ("I did it.", "/help"),
        ("Alt-Enter", "Bye."),
        ("Goodbye.", "/quit"),
    ]
    code, shown = at_terminal(["chat", "dev"], dialogue, home=here.home, folder=here.project)
    assert code == 0, shown
    [run_id] = here.run_ids()
    told = here.events(run_id)
    assert [event.text for event in told if isinstance(event, TurnStarted)] == ["Do it.", "Bye."]
    assert [event.stop_reason for event in told if isinstance(event, TurnFinished)] == ["end_turn", "end_turn"]
    assert [event.by for event in told if isinstance(event, PermissionAnswered)] == ["person"]
    assert finished(told).result == "completed"
    assert "completed in" in shown


def test_a_line_that_is_refused_ends_a_pipe_and_what_was_said_is_answered(here: Installation) -> None:
    here.agent(rehearsal="version: 1\nturns:\n  - say: Hello.\n")
    said = here.project / "said"
    said.write_text("Hi.\n" + "x" * 70_000 + "\nnever\n")
    with said.open() as lines:
        chat = here.start("chat", "dev", stdin=lines)
        out, err = chat.communicate(timeout=60)
    assert chat.returncode == 1
    assert "at most 65,536 can be said at once" in err
    assert "Hello." in out
    [run_id] = here.run_ids()
    assert finished(here.events(run_id)).result == "completed"


def test_a_chat_in_which_nothing_is_said_asks_no_model(here: Installation) -> None:
    here.agent(rehearsal="version: 1\nturns:\n  - say: Hello.\n")
    here.freehold("chat", "dev", code=1)
    [run_id] = here.run_ids()
    end = finished(here.events(run_id))
    assert (end.exit_code, end.usage.requests) == (0, 0)
    assert "1 turn left over" in end.error["message"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["chat"], 2, "which agent?"),
        (["chat", "nobody"], 1, "dev"),
        (["chat", "--continue", "dev-nothing"], 1, "no run or agent matches"),
        (["chat", "dev", "--continue", "dev", "--rehearse"], 2, "--continue goes on"),
    ],
)
def test_words_that_begin_no_chat(here: Installation, words: list[str], code: int, said: str) -> None:
    here.agent(rehearsal=REHEARSAL)
    assert said in here.freehold(*words, code=code).stderr

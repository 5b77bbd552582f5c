"""Tables about a running project at a narrow terminal: nothing that matters is lost, and nothing fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.fake_gateway import listening_in
from tests.support.folders import one_agent, write_files
from tests.support.service_words import RECEIPT, agent_view, project_status, trigger_view
from tests.support.terminal import at_terminal

DAY = {
    "day": "2026-11-21", "agent": "dev", "runs": 3, "failed": 1, "input": 1000, "output": 200, "cache_read": 0,
    "cache_write": 0, "requests": 5, "cost_usd": 0.25, "duration_s": 65.0,
}  # fmt: skip
REPLIES = {
    "GET /status": project_status(agent_view()),
    "GET /queue": [trigger_view()],
    "GET /dead-letters": [trigger_view("dead", reason="its queue was full")],
    "GET /usage": [DAY],
    "GET /receipts": [RECEIPT],
}
SHOWN = [
    (["status"], "dev"),
    (["queue"], "t1"),
    (["queue", "dead"], "t1"),
    (["stats"], "$0.2500"),
    (["webhook", "receipts"], "r1"),
]


# Python 3.12 warns of a fork beside a thread, here the gateway's; the child becomes another program at once.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("columns", ["30", "60", "200"])
@pytest.mark.parametrize(("words", "kept"), SHOWN)
def test_what_matters_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], kept: str, columns: str
) -> None:
    project = write_files(tmp_path / "shop", one_agent())
    monkeypatch.setitem(os.environ, "COLUMNS", columns)
    with listening_in(project) as gateway:
        gateway.replies.update(REPLIES)
        code, shown = at_terminal(words, [], home=tmp_path / "home", folder=project)
    assert code == 0
    assert kept in shown

"""Which agents are shown: in pages, found by a text, and what needs somebody first."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from freehold.console.agent_pages import PAGE, page_of
from freehold.console.project_api import Visitor
from freehold.console.rendering import render
from freehold.wire.permission import OpenPermission
from freehold.wire.service import AgentView
from tests.support.service_words import agent_view, project_status, run_view

LARGEST_PAGE = 400_000
"""Bytes of the first page of a project with a thousand agents; it was 1.25 MB."""


def agents(number: int) -> list[AgentView]:
    view = msgspec.structs.replace(agent_view(), state="idle", error="", running=0, last_run=run_view())
    described = "Does one of the many things that have to be done in a shop, each day, for many people, all over again."
    names = (f"agent-{one:04}" for one in range(number))
    return [msgspec.structs.replace(view, name=name, description=described) for name in names]


@pytest.mark.parametrize(
    ("number", "shown", "others"),
    [
        ("", (1, "agent-0000"), ["/?page=2"]),
        ("2", (2, "agent-0100"), ["/", "/?page=3"]),
        ("3", (3, "agent-0200"), ["/?page=2"]),
        ("99", (3, "agent-0200"), ["/?page=2"]),
        ("0", (1, "agent-0000"), ["/?page=2"]),
        ("-1", (1, "agent-0000"), ["/?page=2"]),
        ("x", (1, "agent-0000"), ["/?page=2"]),
        ("9" * 5000, (1, "agent-0000"), ["/?page=2"]),
    ],
)
def test_pages(number: str, shown: tuple[int, str], others: list[str]) -> None:
    page = page_of(agents(2 * PAGE + 50), "", number)
    assert (page.number, page.agents[0].name) == shown
    assert [address for _, address in page.others] == others
    assert (page.pages, page.found) == (3, 250)


def test_all_are_found_wherever_they_are() -> None:
    many = agents(1000)
    many[777] = msgspec.structs.replace(many[777], description="Counts the Crates.")
    assert [one.name for one in page_of(many, "agent-0951", "").agents] == ["agent-0951"]
    assert [one.name for one in page_of(many, " CRATES ", "7").agents] == ["agent-0777"]
    nobody = page_of(many, "nobody", "")
    assert (nobody.agents, nobody.found, nobody.pages) == ([], 0, 1)
    assert page_of(many, "a&b", "2").here == "/?text=a%26b"
    assert page_of(many, "agent", "2").here == "/?text=agent&page=2"


def test_what_needs_somebody_is_on_the_first_page_of_many() -> None:
    many = agents(PAGE + 10)
    asks = msgspec.structs.replace(run_view(), waiting_for=(OpenPermission("p", "Run rm", (), ""),))
    many[-1] = msgspec.structs.replace(many[-1], running=1)
    many[-2] = msgspec.structs.replace(many[-2], error="no key")
    many[-3] = msgspec.structs.replace(many[-3], last_run=asks)
    first = [one.name for one in page_of(many, "", "").agents]
    assert first[:4] == ["agent-0107", "agent-0108", "agent-0109", "agent-0000"]
    few = page_of(many[-PAGE:], "", "").agents
    assert [one.name for one in few] == sorted(one.name for one in few)  # where all are seen, none jumps about


def test_the_first_page_of_a_thousand_agents_is_no_megabyte() -> None:
    shown = page_of(agents(1000), "", "")
    who = Visitor("default", frozenset({"read", "trigger", "admin"}), "c" * 43)
    status = project_status(*agents(1000))
    now = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    page = render("agents.html", who, now, "shop", "/", status=status, shown=shown, problems=[])
    assert page.count("<tr>") == PAGE + 1
    assert len(page.encode()) < LARGEST_PAGE

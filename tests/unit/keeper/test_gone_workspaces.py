"""Which workspaces no run will use again."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.keeper.gone_workspaces import scales_of, why_gone
from freehold.project.load import load_project
from tests.support.folders import MODEL, SKILL, one_agent, write_files

SCALES = {"dev": 2, "off": 0, "broken": None}


@pytest.mark.parametrize(
    ("kept", "why"),
    [
        (("shop-ab12", "dev", 0), ""),
        (("shop-ab12", "dev", 1), ""),
        (("shop-ab12", "dev", 2), 'agent "dev" has slot 2 no more: its scale is 2'),
        (("shop-ab12", "off", 0), ""),
        (("shop-ab12", "off", 1), 'agent "off" has slot 1 no more: its scale is 0'),
        (("shop-ab12", "broken", 7), ""),
        (("shop-ab12", "old", 0), 'there is no agent "old" any more'),
        (("store-ab12", "dev", 0), 'the project was called "store-ab12" then'),
    ],
)
def test_why_a_workspace_is_gone(kept: tuple[str, str, int], why: str) -> None:
    assert why_gone("shop-ab12", SCALES, *kept) == why


def test_an_agent_that_cannot_be_read_may_have_any_number_of_slots(tmp_path: Path) -> None:
    files = {
        **one_agent('models = ["sonnet"]\nscale = 3\n'),
        "agents/broken/SKILL.md": SKILL,
        "agents/broken/config.toml": "scale = 'many'",
        "agents/half/config.toml": "",
        "config.toml": MODEL,
    }
    project = load_project(write_files(tmp_path / "shop", files), home=tmp_path / "home")
    assert scales_of(project) == {"dev": 3, "broken": None, "half": None}

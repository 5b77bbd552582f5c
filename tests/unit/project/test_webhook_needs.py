"""Which secrets of webhook sources a project has to have."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.project.load import load_project
from freehold.project.needs import needs_of_project
from tests.support.folders import MODEL, one_agent, write_files

TRIGGER = "models = ['sonnet']\n[[webhooks]]\nsource = 'hub'\n"
NEEDS = [
    ("type = 'github'", ["github_webhook_secret"]),
    ("type = 'github'\ncredential = 'new'\npreviousCredential = 'old'", [
        "github_webhook_secret:new", "github_webhook_secret:old",
    ]),
    ("type = 'generic'\ngeneric_webhook_secret = 'ci'", ["generic_webhook_secret:ci"]),
    ("type = 'github'\nallowUnsigned = true", []),
    ("type = 'test'", []),
]  # fmt: skip


@pytest.mark.parametrize(("written", "needed"), NEEDS)
def test_every_secret_that_verifies_is_needed(tmp_path: Path, written: str, needed: list[str]) -> None:
    root = write_files(tmp_path, one_agent(TRIGGER, project=f"{MODEL}[webhooks.hub]\n{written}\n"))
    needs = needs_of_project(load_project(root, home=tmp_path / "home"))
    assert [str(need.ref) for need in needs if "webhook source" in need.asked_by] == needed
    assert all(need.fields == ("secret",) for need in needs if "webhook source" in need.asked_by)

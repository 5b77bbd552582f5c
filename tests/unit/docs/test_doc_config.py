"""Every example of configuration in the documentation has keys that there are, with values that they take."""

from __future__ import annotations

import tomllib

import pytest

from freehold.project import keys
from freehold.project.problems import Problems, Reporter
from freehold.project.shape import fit
from tests.support.pages import Block, pages

BLOCKS = [(page.name, block) for page in pages() for block in page.blocks("toml")]
SCHEMAS = (keys.PROJECT_KEYS, keys.AGENT_KEYS, (*keys.PROJECT_KEYS, *keys.LOCAL_OVERLAY_KEYS))
"""Of config.toml, an agent's config.toml and .env.toml: an example may be of any of them."""


def problems(text: str) -> list[str]:
    """What is wrong with an example by the schema that fits it best; that it leaves things out is not."""
    table = tomllib.loads(text)
    found = []
    for schema in SCHEMAS:
        report = Problems()
        fit(table, schema, Reporter(report, lambda _: ""))
        found.append([str(problem) for problem in report.errors if not problem.message.startswith("is missing")])
    return min(found, key=len)


@pytest.mark.parametrize(("where", "block"), BLOCKS, ids=[f"{where}:{block.line}" for where, block in BLOCKS])
def test_examples_can_be_copied(where: str, block: Block) -> None:
    assert problems(block.text) == []


def test_there_are_examples() -> None:
    assert len(BLOCKS) > 5


def test_what_is_wrong_with_an_example_is_found() -> None:
    text = '[models.main]\nprovider = "openai"\nmodle = "x"\n[local]\nnetwork = "closed"\nmemory = "4g"\n[locl]\n'
    assert [problem.partition(" (")[0] for problem in problems(text)] == [
        'locl: unknown key "locl"',
        'models.main.modle: unknown key "modle"',
        'local.network: unknown value "closed"; there are: allowlist, none, open',
    ]

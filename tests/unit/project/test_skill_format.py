"""The Agent Skills format, as far as Freehold holds to it: where the format says no, we say error or warning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from freehold.project.load import check
from tests.support.folders import AGENT, MODEL, write_files

ERROR, WARNING, FINE = "error", "warning", "fine"

CASES: list[tuple[str, dict[str, Any], str]] = [
    ("pdf-processing", {"name": "pdf-processing", "description": "Extracts text."}, FINE),
    ("PDF-Processing", {"name": "PDF-Processing", "description": "x"}, ERROR),
    ("-pdf", {"name": "-pdf", "description": "x"}, ERROR),
    ("pdf-", {"name": "pdf-", "description": "x"}, ERROR),
    ("pdf--processing", {"name": "pdf--processing", "description": "x"}, ERROR),
    # relaxed (`docs/interfaces.md`, "Files and names"): the folder's name counts
    ("other", {"name": "pdf", "description": "x"}, WARNING),
    # relaxed: Action Llama's skills need no description
    ("pdf", {"name": "pdf"}, WARNING),
    ("pdf", {"name": "pdf", "description": ""}, ERROR),
    ("pdf", {"name": "pdf", "description": "x", "version": "1"}, ERROR),
    (
        "pdf",
        {
            "name": "pdf",
            "description": "x",
            "metadata": {"version": "1.0"},
            "license": "Apache-2.0",
            "allowed-tools": "Bash(git:*) Read",
            "compatibility": "Requires git",
        },
        FINE,
    ),
]
"""The cases of agentskills/agentskills @ 69ef37e9424c, docs/specification.mdx and skills-ref, restated."""


@pytest.mark.parametrize(("folder", "frontmatter", "verdict"), CASES)
def test_the_cases_of_the_format(tmp_path: Path, folder: str, frontmatter: dict[str, Any], verdict: str) -> None:
    # JSON is YAML.
    files = {
        "config.toml": MODEL,
        f"agents/{folder}/SKILL.md": f"---\n{json.dumps(frontmatter)}\n---\nDo it.\n",
        f"agents/{folder}/config.toml": AGENT,
    }
    problems = check(write_files(tmp_path, files), home=tmp_path).problems
    found = ERROR if problems.errors else WARNING if problems.warnings else FINE
    assert found == verdict, [str(problem) for problem in (*problems.errors, *problems.warnings)]

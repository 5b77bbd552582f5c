"""Projects as folders, made from a mapping of paths to text."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

MODEL = """
[models.sonnet]
provider = "anthropic"
model = "claude-sonnet-4-20250514"
"""
SKILL = """\
---
description: Does something.
---
Do something.
"""
AGENT = 'models = ["sonnet"]\n'


def write_files(root: Path, files: Mapping[str, str]) -> Path:
    """Write every file below `root`, indentation removed; `root`."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return root


def one_agent(config: str = AGENT, *, skill: str = SKILL, project: str = MODEL) -> dict[str, str]:
    """The files of a project with the agent `dev`."""
    return {"config.toml": project, "agents/dev/SKILL.md": skill, "agents/dev/config.toml": config}

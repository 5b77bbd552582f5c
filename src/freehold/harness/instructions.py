"""What the builtin harness tells every model, before the agent's own skill."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def instructions(cwd: Path, skill: str, problems: Sequence[str] = ()) -> str:
    """`problems` are sentences about what the model might expect to have, and has not."""
    base = (
        "You are an agent that works by itself, without a person to ask, on a machine of your own that is made for "
        f"this run. Your working directory is {cwd}. Use the tools to look and to act; look before you change "
        "something, and check what you did. Several tool calls in one answer are run one after the other. "
        "When the task is done, or cannot be done, say so in a few sentences and call no tool."
    )
    return "\n\n".join(part for part in (base, *problems, skill.strip()) if part)

"""Harnesses: the programs that think, by name, and what each of them speaks to models."""

from __future__ import annotations

from dataclasses import dataclass

from freehold.project.wire_formats import EVERY_FORMAT, WireFormat

BUILTIN = "builtin"
COMMAND = "command"
"""The name of a harness that is given by its command."""

HARNESSES: dict[str, frozenset[WireFormat]] = {
    BUILTIN: EVERY_FORMAT,
    "claude-code": frozenset({WireFormat.ANTHROPIC_MESSAGES}),
    "codex": frozenset({WireFormat.OPENAI_RESPONSES}),
    "opencode": frozenset({WireFormat.ANTHROPIC_MESSAGES, WireFormat.OPENAI_CHAT, WireFormat.OPENAI_RESPONSES}),
    "gemini": frozenset({WireFormat.GOOGLE}),
}
SAME_AS_BUILTIN = "pi"
"""The one `harness.type` of Action Llama: its own loop, whose place the builtin harness takes."""


@dataclass(frozen=True)
class HarnessChoice:
    """Which harness an agent wants. `command` is set when, and only when, `name` is `command`."""

    name: str = BUILTIN
    command: tuple[str, ...] = ()

    @property
    def wire_formats(self) -> frozenset[WireFormat]:
        """What it speaks; a command of one's own may speak anything."""
        return HARNESSES.get(self.name, EVERY_FORMAT)

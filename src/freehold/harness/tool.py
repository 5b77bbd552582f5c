"""What a tool of the builtin harness is: a name, a schema for the model, and something done in the container."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


class ToolError(Exception):
    """The tool could not do it; the text is for the model, which may try something else."""


@dataclass(frozen=True)
class Place:
    """Where tools work: `cwd` is the session's directory, `env` what the commands see."""

    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)

    def path(self, text: str) -> Path:
        """A path as a model writes it: absolute, below `cwd`, or below home (`~`)."""
        if not text.strip() or "\0" in text:
            raise ToolError("path is empty or holds a zero byte")
        if text == "~" or text.startswith("~/"):
            return Path(self.env.get("HOME", "/")) / text[2:]
        return self.cwd / text

    def file(self, text: str) -> Path:
        """As `path`, for something that is a file or may become one: a device or a pipe would block for ever."""
        path = self.path(text)
        if path.exists() and not path.is_file():
            raise ToolError(f"{path} is no file" + ("; list it with bash" if path.is_dir() else ""))
        return path


class Tool(Protocol):
    """`schema` describes the arguments (JSON Schema); `kind` is ACP's; `changes`: whether to ask for leave."""

    name: str
    description: str
    schema: dict[str, Any]
    kind: str
    changes: bool

    def title(self, arguments: dict[str, Any]) -> str:
        """A few words for a person, from arguments that may be anything."""
        ...

    async def run(self, arguments: dict[str, Any], place: Place) -> str:
        """What the model is told. Raises `ToolError`; cancellation leaves no process behind."""
        ...


def schema_of(properties: dict[str, dict[str, Any]], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}

"""The project's `.mcp.json`: which servers of the Model Context Protocol its clients start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import write_atomically
from freehold.project.load import require_project

FILE = ".mcp.json"
NAME = "freehold"
ENTRY: dict[str, Any] = {"command": "freehold", "args": ["mcp", "serve"]}
_READABLE = 0o644


class Registered(msgspec.Struct, frozen=True):
    """`change` is `written` (there was no file), `added`, `replaced` or `none`."""

    path: str
    change: str
    others: list[str]

    @property
    def words(self) -> str:
        kept = f"; kept: {', '.join(self.others)}" if self.others else ""
        return {
            "written": "written, with the server freehold",
            "added": f"the server freehold was added{kept}",
            "replaced": f"the server freehold was put right{kept}",
            "none": "has the server freehold already; nothing was changed",
        }[self.change]


def register(project: Path) -> Registered:
    """Put our server into the file; what else stands in it stays. Raises CONFIG when the file is no JSON object."""
    require_project(project)
    path = project / FILE
    before = _read(path)
    table = before or {}
    servers = table.setdefault("mcpServers", {})
    if not isinstance(servers, dict):
        raise FreeholdError(
            Code.CONFIG, f"{path}: mcpServers: must be a table of servers", "put it right, or remove it"
        )
    others = sorted(name for name in servers if name != NAME)
    if servers.get(NAME) == ENTRY:
        return Registered(str(path), "none", others)
    change = "written" if before is None else "replaced" if NAME in servers else "added"
    servers[NAME] = ENTRY
    content = msgspec.json.format(msgspec.json.encode(table), indent=2) + b"\n"
    try:
        write_atomically(path, content, _READABLE)
    except OSError as error:
        raise FreeholdError(Code.DISK, f"{path}: {error.strerror}") from error
    return Registered(str(path), change, others)


def _read(path: Path) -> dict[str, Any] | None:
    """Its table; None when there is no such file."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FreeholdError(Code.CONFIG, f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FreeholdError(Code.CONFIG, f"{path}: {error}", "put it right; nothing was changed") from None

"""What would change in an agent's folder, file by file, as a person reads it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from freehold.base.plain_text import visible
from freehold.cli.agent_folder import Folder, FoundFile


def differing(old: Folder, new: Folder) -> list[str]:
    """The paths that `new` brings or changes. What only `old` has is left alone: it may be the user's own."""
    return [path for path, file in new.items() if old.get(path) != file]


def difference(old: Folder, new: Folder) -> Iterator[str]:
    """Lines of a unified diff from `old` to what `new` makes of it, control characters made visible."""
    for path in differing(old, new):
        before, after = old.get(path, FoundFile(b"")), new[path]
        if before.text is None or after.text is None:
            yield f"{visible(path)}: is no text, and changes from {len(before.data)} to {len(after.data)} bytes"
            continue
        if before.executable != after.executable:
            yield f"{visible(path)}: becomes {'executable' if after.executable else 'a plain file'}"
        lines = difflib.unified_diff(
            before.text.splitlines(), after.text.splitlines(), f"yours/{path}", f"theirs/{path}", lineterm=""
        )
        yield from (visible(line) for line in lines)

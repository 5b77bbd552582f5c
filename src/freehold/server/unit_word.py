"""One word in a unit file, whatever is in it. Pure.

systemd.syntax(7) quotes and escapes words, systemd.unit(5) replaces `%`, and systemd.service(5) `$` in commands.
"""

from __future__ import annotations

import re

from freehold.base.errors import Code, FreeholdError

_PLAIN = re.compile(r"[\w@%+=:,./\-]+", re.ASCII)


def unit_word(text: str) -> str:
    """`text` as a word of a setting that takes several. Raises CONFIG for what no line can hold."""
    if not text.isprintable():
        raise FreeholdError(
            Code.CONFIG, f"{text!r}: systemd takes no such character in a path", "Give the folder another name."
        )
    escaped = text.replace("%", "%%")
    if _PLAIN.fullmatch(escaped):
        return escaped
    return '"' + escaped.replace("\\", "\\\\").replace('"', '\\"') + '"'


def command_word(text: str) -> str:
    """The same in `ExecStart`."""
    return unit_word(text).replace("$", "$$")

"""Programs that are sent to servers: Python 3.11 and the standard library alone, one file each.

Nothing here is imported at home but for its text (`program_text`); what a file needs is in it, or in those that are
sent before it. `Refused` is put into its globals by `hosts/script.py`.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_FUTURE = "from __future__ import annotations\n"


@cache
def program_text(name: str, *further: str) -> str:
    """The text of `deploy/remote/<name>.py`, and of further ones after it, as one program: each may use the names of
    those before it, which it imports for type checkers only."""
    texts = [files(__package__).joinpath(f"{each}.py").read_text("utf-8") for each in (name, *further)]
    # Python takes it at the beginning of a program alone.
    return "\n".join((texts[0], *(text.replace(_FUTURE, "") for text in texts[1:])))

"""Programs that are sent to servers: Python 3.11 and the standard library alone, one file each.

Nothing here is imported at home but for its text (`program_text`); what a file needs is in it. `Refused` is put into
its globals by `hosts/script.py`.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def program_text(name: str) -> str:
    """The text of `deploy/remote/<name>.py`."""
    return files(__package__).joinpath(f"{name}.py").read_text("utf-8")

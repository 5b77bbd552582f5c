"""Whose gateway a request is meant for: said by who comes through a socket on a server, and compared by who answers.

The folder of that socket is the gateway's own. One that was taken over could lay a link there to another project's
socket, at which root, as whom people log in, is somebody who needs no key.
"""

from __future__ import annotations

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import clipped

HEADER = "Freehold-Project"


def require_meant(asked: str, project: str) -> None:
    """`asked` is the header of a request, `project` what the one who answers is called on servers. Raises MISDIRECTED
    unless it is the same."""
    if asked != project:
        raise FreeholdError(
            Code.MISDIRECTED,
            f"this is the gateway of {project}, and not of {clipped(asked, 60)}; nothing was done",
            f"On the server, the socket of one project leads to another's: look at {clipped(asked, 60)} there, whose "
            "gateway may have been taken over.",
        )

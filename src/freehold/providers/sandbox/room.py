"""Whether there is room on the disk for a sandbox."""

from __future__ import annotations

import shutil

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import size

LEAST_FREE_BYTES = 1024**3
"""An image has some 450 MB, and Docker inside wants to keep something, too."""


def require_room(folder: str) -> None:
    """Raises DISK when `folder`, where Docker keeps its things, is on a disk with less than `LEAST_FREE_BYTES` free.

    Nothing where the folder cannot be seen from here: Docker may run elsewhere.
    """
    try:
        free_bytes = shutil.disk_usage(folder).free
    except OSError:
        return
    require_free(free_bytes, folder)


def require_free(free_bytes: int, folder: str) -> None:
    if free_bytes < LEAST_FREE_BYTES:
        raise FreeholdError(
            Code.DISK,
            f"{folder}: {size(free_bytes)} free; a sandbox needs {size(LEAST_FREE_BYTES)}",
            "Make room: docker system df shows who has it, `docker system prune` frees some.",
        )

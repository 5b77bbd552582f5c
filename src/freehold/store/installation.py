"""Which installation of Freehold this is: a short word, made once, that marks everything bought from here."""

from __future__ import annotations

import os
import re
import secrets
import string
import tempfile
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import make_private_directory

FILE = "installation"
_LETTERS = string.ascii_lowercase + string.digits
_LENGTH = 8
"""Of 36 letters: two installations that meet in one account of a provider have the same one in 10^12 cases."""
_KNOWN = re.compile(r"[a-z0-9]{4,8}")


def installation_id(home: Path) -> str:
    """The id that `home` has, made when it has none; two processes that ask at once get the same one.

    Raises CONFIG for a file that holds none (what was bought under the true one must not be lost sight of), DISK.
    """
    path = home / FILE
    try:
        if (known := _read(path)) is not None:
            return known
        make_private_directory(home)
        _offer(path, "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH)))
        return _read(path) or ""
    except OSError as error:
        raise FreeholdError(Code.DISK, f"{path} cannot be written: {error.strerror}") from None


def _read(path: Path) -> str | None:
    try:
        text = path.read_text("utf-8", "replace").strip()
    except FileNotFoundError:
        return None
    if not _KNOWN.fullmatch(text):
        raise FreeholdError(
            Code.CONFIG,
            f"{path} holds no installation id (4 to 8 of a-z and 0-9)",
            "[provision] in the files of environments says which one it was; without any, remove the file.",
        )
    return text


def _offer(path: Path, text: str) -> None:
    """The file appears whole, and only where there is none: a link that is there already wins."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(name, path)
        except FileExistsError:
            return
    finally:
        Path(name).unlink(missing_ok=True)

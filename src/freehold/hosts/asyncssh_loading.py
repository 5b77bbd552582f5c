"""Loading asyncssh, which takes a sixth of a second: only who logs in somewhere waits for it."""

from __future__ import annotations

import ctypes.util
import sys
import threading

_alone = threading.Lock()


def load_asyncssh() -> None:
    """Import it for the first time, without its search for two C libraries that would bring further algorithms (nettle:
    UMAC; liboqs: sntrup761).

    Each search starts `ldconfig` and, where nothing is found, a C compiler and linker: 50 ms and more. No SSH server
    needs either: both have curve25519 and AES-GCM (measured with asyncssh 2.24).
    """
    with _alone:
        if "asyncssh" in sys.modules:
            return
        search = ctypes.util.find_library
        ctypes.util.find_library = _found_nowhere
        try:
            import asyncssh  # noqa: F401  for whoever imports it next
        finally:
            ctypes.util.find_library = search


def _found_nowhere(name: str) -> str | None:
    del name
    return None

"""Loading asyncssh, which takes a sixth of a second: only who logs in somewhere waits for it."""

from __future__ import annotations

import ctypes.util
import sys
import threading
from typing import Any

from freehold.base.loading import loading

_CERTIFICATES = "asyncssh.crypto.x509"
_alone = threading.Lock()


def load_asyncssh() -> None:
    """Import it for the first time, without what we do not use (measured with asyncssh 2.24).

    It searches two C libraries that would bring further algorithms (nettle: UMAC; liboqs: sntrup761), and each search
    starts `ldconfig` and, where nothing is found, a C compiler and linker: 50 ms and more. No SSH server needs either:
    both have curve25519 and AES-GCM. And it loads what reads X.509 certificates, 10 ms, which no OpenSSH server has.
    """
    with _alone:
        if "asyncssh" in sys.modules:
            return
        search = ctypes.util.find_library
        ctypes.util.find_library = _found_nowhere
        loaded: dict[str, Any] = sys.modules
        loaded.setdefault(_CERTIFICATES, None)  # for the import system: there is none
        try:
            with loading():
                import asyncssh  # noqa: F401  for whoever imports it next
        finally:
            ctypes.util.find_library = search
            if loaded[_CERTIFICATES] is None:
                del loaded[_CERTIFICATES]


def _found_nowhere(name: str) -> str | None:
    del name
    return None

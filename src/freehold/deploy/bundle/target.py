"""What a program is made for: a server's processor and its Python. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import one_of
from freehold.hosts.script import OLDEST_PYTHON

_PLATFORMS = {"x86_64": "x86_64-manylinux_2_28", "aarch64": "aarch64-manylinux_2_28"}
"""Debian 10 and Ubuntu 20.04 have glibc 2.28 or newer, and packages for it."""
_C_LIBRARY = "glibc"


@dataclass(frozen=True)
class Target:
    """`interpreter` is the full path of the Python there, without links, so that it ends with its version."""

    architecture: str
    python: tuple[int, int]
    interpreter: str

    @property
    def platform(self) -> str:
        """As uv calls it."""
        return _PLATFORMS[self.architecture]

    @property
    def python_version(self) -> str:
        return ".".join(map(str, self.python))

    @property
    def packages(self) -> str:
        """Where its Python looks for packages, below the program's folder."""
        return f"lib/python{self.python_version}/site-packages"


def target_of(architecture: str, c_library: str, python: tuple[int, int], interpreter: str) -> Target:
    """The target of a server that says this of itself. Raises FAILED for one that no program can be made for."""
    if architecture not in _PLATFORMS:
        raise FreeholdError(
            Code.FAILED,
            f"there is no program for a server with a processor of the kind {architecture or '(unknown)'}",
            f"Known are {one_of(_PLATFORMS)}.",
        )
    if c_library != _C_LIBRARY:
        raise FreeholdError(
            Code.FAILED,
            f"the server's C library is {c_library or 'unknown'}, and the program needs {_C_LIBRARY}",
            "Debian 12 and 13 and Ubuntu 24.04 are known to work.",
        )
    if python < OLDEST_PYTHON:
        raise FreeholdError(
            Code.FAILED,
            f"the server's Python {'.'.join(map(str, python))} is older than {'.'.join(map(str, OLDEST_PYTHON))}",
            "Use a newer release of the system.",
        )
    return Target(architecture, python, interpreter)

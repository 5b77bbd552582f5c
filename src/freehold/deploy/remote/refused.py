"""What a program on a server raises when something could not be done. Here for type checkers: `hosts/script.py` has the
one that counts."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818  it is said as `raise Refused(...)`
    """`code` is one of `base/errors.py`."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        raise NotImplementedError

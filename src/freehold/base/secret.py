"""Secrets as a type: what is secret cannot be shown by accident."""

from __future__ import annotations

from typing import Final

HIDDEN: Final = "[hidden]"


class Secret:
    """A value that only `reveal()` shows; `str`, `repr`, formatting, logs and JSON say `[hidden]`.

    Compare secrets with `hmac.compare_digest(a.reveal(), b.reveal())`; `==` is deliberately not offered.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __str__(self) -> str:
        return HIDDEN

    __repr__ = __str__

    def __format__(self, format_spec: str) -> str:
        return HIDDEN

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        raise TypeError("secrets are compared with hmac.compare_digest, not ==")

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


def redact(text: str, secrets: list[Secret]) -> str:
    """`text` with every occurrence of each secret replaced by `[hidden]`.

    Values shorter than six characters are left alone: they would black out ordinary words.
    """
    for secret in secrets:
        value = secret.reveal()
        if len(value) >= 6:
            text = text.replace(value, HIDDEN)
    return text

"""How many tokens a text may come to, told from its bytes, since every provider cuts texts up in its own way (pure)."""

from __future__ import annotations

from string import ascii_lowercase

_LIGHT = ascii_lowercase.encode() + b" "
_LEAST_LIGHT_BYTES, _USUAL_LIGHT_BYTES = 2, 4
"""Small letters and spaces in a token: when they make no words, and when they do."""


def most_tokens(text: bytes) -> int:
    """The worst case, also of a text that was made to be one.

    Digits, marks and letters beyond ASCII may each be a token of their own, and rare characters one for every byte.
    English prose comes to 0.55 tokens for a byte this way (it has 0.22), source code to 0.65 (0.33), Chinese to 1
    (0.4): budgets set aside too much for an ordinary request, and give it back when the answer tells.
    """
    return _tokens(text, _LEAST_LIGHT_BYTES)


def likely_tokens(text: bytes) -> int:
    """For an answer that never told: a little more than it was for prose (0.3) and code (0.45), and never much less,
    whatever the text was made of."""
    return _tokens(text, _USUAL_LIGHT_BYTES)


def _tokens(text: bytes, light_bytes: int) -> int:
    heavy = len(text.translate(None, _LIGHT))
    return heavy + -(-(len(text) - heavy) // light_bytes)

"""How many tokens a text may come to, told from its bytes, since every provider cuts texts up in its own way (pure)."""

from __future__ import annotations

from string import ascii_lowercase

_LIGHT = ascii_lowercase.encode() + b" "
_LIGHT_BYTES_PER_TOKEN = 2


def most_tokens(text: bytes) -> int:
    """The worst case, also of a text that was made to be one.

    Small letters and spaces have two bytes in a token at least, even when they make no words; digits, marks and letters
    beyond ASCII may each be a token of their own, and rare characters one for every byte. English prose comes to 0.55
    tokens for a byte this way (it has 0.22), source code to 0.65 (0.33), Chinese to 1 (0.4): budgets set aside too
    much for an ordinary request, and give it back when the answer tells.
    """
    heavy = len(text.translate(None, _LIGHT))
    return heavy + -(-(len(text) - heavy) // _LIGHT_BYTES_PER_TOKEN)

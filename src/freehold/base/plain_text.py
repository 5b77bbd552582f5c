"""Text of somebody else's, made harmless for a terminal and for a sentence: nothing in it is obeyed, only shown (pure).

What counts as harmless is Unicode's own word for it (`str.isprintable`): control characters of either set, escape
sequences, marks that turn the direction of writing, invisible characters, and halves of characters are not.
"""

from __future__ import annotations

_NEWLINE = " ⏎ "


def printable(text: str) -> str:
    """`text` with its lines and tabs, and without everything that could drive the reader's terminal."""
    if text.isprintable():
        return text
    return "".join(map(_printable, text))


def one_line(text: str) -> str:
    """The same on one line: `⏎` stands where a line ended, so that no text can look like a line of ours."""
    return printable(text).replace("\n", _NEWLINE).replace("\t", " ")


def clipped(text: str, longest: int = 80) -> str:
    """The same, and of at most `longest` characters beside the `…` that says that there was more."""
    # Cut before as well as after: what a stranger sent may have megabytes.
    line = one_line(text[: longest + 1])
    return line if len(text) <= longest and len(line) <= longest else line[:longest].rstrip() + " …"


def visible(text: str) -> str:
    """`text` on one line, with everything that a terminal would obey, or not show, written out (`\\x1b`)."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def _printable(character: str) -> str:
    if character.isprintable() or character in "\n\t":
        return character
    return " " if character.isspace() and character not in "\x0b\x0c\r\x1c\x1d\x1e\x1f\x85" else ""

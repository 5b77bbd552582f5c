"""Links to answers: only what we made leads anywhere."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.notices.tokens import KEY_FILE, key_in, read, token

KEY, OTHER = b"k" * 32, b"o" * 32
ID = "01arz3ndektsv4rrffq69g5fav"
MADE = token(KEY, ID, 1)


def test_what_was_made_is_read() -> None:
    assert read(KEY, MADE) == (ID, 1)
    assert MADE.isascii()
    assert all(character.isalnum() or character in "._-" for character in MADE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        MADE[:-1],
        MADE + "A",
        MADE.replace(".1.", ".0."),
        MADE.replace("01arz", "01arx"),
        token(OTHER, ID, 1),
        token(KEY, "../../etc", 1),
        f"{ID}.1.",
        f"{ID}.1.\u00e9",
        "x" * 100_000,
    ],
)
def test_what_was_not_made_here_is_nothing(text: str) -> None:
    assert read(KEY, text) is None


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    key = key_in(tmp_path)
    assert key_in(tmp_path) == key
    assert len(key) == 32
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]
    (tmp_path / KEY_FILE).write_bytes(b"short")
    with pytest.raises(FreeholdError) as raised:
        key_in(tmp_path)
    assert raised.value.code is Code.CONFIG

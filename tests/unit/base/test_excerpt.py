"""Long text is shown from both ends, with a note."""

import pytest

from freehold.base.excerpt import excerpt


@pytest.mark.parametrize(
    ("text", "longest", "shown"),
    [
        ("", 5, ""),
        ("12345", 5, "12345"),
        ("123456", 3, "12\n[... 3 characters cut ...]\n6"),
        ("a" * 100 + "z", 1, "\n[... 100 characters cut ...]\nz"),
    ],
)
def test_excerpt(text: str, longest: int, shown: str) -> None:
    assert excerpt(text, longest) == shown

from __future__ import annotations

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.runtime.images.patterns import IgnoreRules, Selection, matches

MATCHES = [
    ("a", "a", True),
    ("a", "ab", False),
    ("*.txt", "a.txt", True),
    ("*.txt", "d/a.txt", False),
    ("**/*.txt", "a.txt", True),
    ("**/*.txt", "d/e/a.txt", True),
    ("d/**", "d/e/f", True),
    ("a?c", "abc", True),
    ("a?c", "a/c", False),
    ("[a-c]x", "bx", True),
    ("[!a-c]x", "bx", False),
    ("a.c", "abc", False),
    (r"\*", "*", True),
    (r"\*", "a", False),
    ("[z-a]", "b", False),
    ("[", "[", True),
    ("[]", "[]", True),
    ("a[b", "a[b", True),
    ("[!]x", "[!]x", True),
    ("[a", "[a", True),
    ("a/**/b", "a/b", True),
    ("a/**/b", "a/x/y/b", True),
    ("a/**/b", "a/x/y/c", False),
    ("d/**", "d", False),
    ("**", "a/b", True),
    ("*a*b*", "xaxxbx", True),
    ("*a*b", "xaxbx", False),
    ("a**b", "axyb", True),
    ("*/*", "a", False),
    ("a*a", "a", False),
]


@pytest.mark.parametrize(("pattern", "path", "expected"), MATCHES)
def test_patterns(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, path) is expected


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 400 + "b", "a" * 255),
        ("**/" * 300 + "b", "a/" * 500 + "x"),
        ("**/*a*a*a*a*b/" * 30 + "c", "a" * 200 + "/x"),
    ],
    ids=["stars", "double stars", "both"],
)
def test_no_pattern_takes_for_ever(pattern: str, path: str) -> None:
    assert not matches(pattern, path)


@pytest.mark.parametrize("text", ["a\n" * 1001, "a" * 1001], ids=["lines", "a line"])
def test_too_many_patterns_are_an_error(text: str) -> None:
    with pytest.raises(FreeholdError, match="freeholdignore has more than") as caught:
        IgnoreRules.parse(text)
    assert caught.value.code is Code.CONFIG


IGNORED = [
    ("", ".git", True),
    ("", "sub/.git", True),
    ("", ".env", True),
    ("", ".env.toml", True),
    ("", "sub/.env.local", True),
    ("", ".freehold", True),
    ("", ".gitignore", False),
    ("", "environment", False),
    ("!.env", ".env", True),
    ("*.log", "a.log", True),
    ("*.log", "sub/a.log", True),
    ("/*.log", "a.log", True),
    ("/*.log", "sub/a.log", False),
    ("sub/*.log", "sub/a.log", True),
    ("sub/*.log", "other/sub/a.log", False),
    ("*.log\n!keep.log", "keep.log", False),
    ("!keep.log\n*.log", "keep.log", True),
    ("# *.log\n\n", "a.log", False),
    ("\\#x", "#x", True),
    ("build/", "build", False),
]


@pytest.mark.parametrize(("rules", "path", "expected"), IGNORED)
def test_what_is_left_out_of_a_build(rules: str, path: str, expected: bool) -> None:
    assert IgnoreRules.parse(rules).ignores(path, is_folder=False) is expected


def test_a_slash_at_the_end_means_folders() -> None:
    assert IgnoreRules.parse("build/").ignores("sub/build", is_folder=True)


TAKEN = [
    ((".",), "a/b", True),
    ((), "a", False),
    (("a",), "a", True),
    (("a",), "a/b/c", True),
    (("a",), "b", False),
    (("a/b",), "a/c", False),
    (("*.txt",), "a.txt", True),
    (("*.txt",), "d/a.txt", False),
    (("d*/x",), "d1/x/y", True),
]


@pytest.mark.parametrize(("sources", "path", "expected"), TAKEN)
def test_what_a_copy_takes(sources: tuple[str, ...], path: str, expected: bool) -> None:
    assert Selection(sources).takes(path) is expected


@pytest.mark.parametrize(
    ("sources", "folder", "expected"),
    [
        (("a/b/c",), "a", True),
        (("a/b/c",), "a/b", True),
        (("a/b/c",), "a/x", False),
        (("a",), "a/b", True),
        (("a",), "b", False),
        (("*/c",), "anything", True),
        (("**/c",), "x/y/z", True),
        ((".",), "x", True),
    ],
)
def test_which_folders_are_looked_into(sources: tuple[str, ...], folder: str, expected: bool) -> None:
    assert Selection(sources).reaches_into(folder) is expected

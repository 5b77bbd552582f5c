from __future__ import annotations

from pathlib import Path

import pytest

from freehold.project.problems import Problems
from freehold.project.toml import LARGEST_FILE, parse_toml, read_toml

BROKEN = [
    ('[models.sonnet\nprovider = "x"\n', "line 1, column 15: expected ']' at the end of a table declaration"),
    ("cpus = \n", "line 1, column 8: invalid value"),
    ("cpus = 1\ncpus = 2\n", "line 2, column 9: cannot overwrite a value"),
    ('name = "a\n', "line 1, column 10: illegal character '\\n'"),
    ('name = "a', "end of document: unterminated string"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_broken_toml_is_told_with_line_and_column(text: str, message: str) -> None:
    problems = Problems()
    assert parse_toml(text, "agents/dev/config.toml", problems) == {}
    assert [str(problem) for problem in problems.errors] == [f"agents/dev/config.toml: {message}"]


def test_a_missing_file_says_nothing(tmp_path: Path) -> None:
    problems = Problems()
    assert read_toml(tmp_path / "config.toml", "config.toml", problems) == {}
    assert not problems.errors


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    problems = Problems()
    (tmp_path / "latin").write_bytes(b'# one\nname = "caf\xe9"\n')
    (tmp_path / "large").write_bytes(b"#" * (LARGEST_FILE + 1))
    for name in ("latin", "large", "."):
        read_toml(tmp_path / name, name, problems)
    assert [str(problem) for problem in problems.errors] == [
        "latin: line 2: is not UTF-8 text",
        "large: cannot be read: is larger than 256 kB",
        ".: cannot be read: Is a directory",
    ]


def test_deep_nesting_is_told_and_does_not_crash() -> None:
    problems = Problems()
    assert parse_toml("a = " + "[" * 100_000, "config.toml", problems) == {}
    assert [str(problem) for problem in problems.errors] == ["config.toml: is nested too deeply"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (".".join(["a"] * 500_000) + " = 1", "a key has more than 500 parts"),
        ("[" + ".".join(["a"] * 500_000) + "]", "a key has more than 500 parts"),
        (f"a = {'9' * 9000}", "exceeds the limit"),
        (f"a = [{{b = 0x{'f' * 9000}}}]", "a number has more than 64 bits"),
    ],
    ids=["key", "table", "digits", "hexadecimal"],
)
def test_what_would_take_for_ever_is_refused(text: str, message: str) -> None:
    problems = Problems()
    assert parse_toml(text, "config.toml", problems) == {}
    assert f"config.toml: {message}" in str(problems.errors[0])


@pytest.mark.parametrize("target", ["/dev/zero", "other.toml"])
def test_links_are_not_followed(tmp_path: Path, target: str) -> None:
    (tmp_path / "other.toml").write_text("scale = 1\n")
    (tmp_path / "config.toml").symlink_to(target)
    problems = Problems()
    assert read_toml(tmp_path / "config.toml", "config.toml", problems) == {}
    assert [str(problem) for problem in problems.errors] == [
        "config.toml: cannot be read: is a link; put the file itself in its place"
    ]


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbfscale = 1\n")
    problems = Problems()
    assert read_toml(tmp_path / "config.toml", "config.toml", problems) == {"scale": 1}

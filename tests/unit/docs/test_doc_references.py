"""What comments and docstrings refer to is in the repository."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.pages import ROOT, Page

FOLDERS = ("src", "tests", "bench", "scripts", "docs")
ENDINGS = frozenset({".py", ".md", ".toml", ".yaml", ".sh", ""})
_PAGE = re.compile(
    r"(?<![\w/])(?P<path>docs/[\w/.-]+\.md(?!\w))`?(?:, \"(?P<heading>[^\"]+)\"|\s\(\"(?P<other>[^\"]+)\"\))?"
)
_TEST = re.compile(r"`(tests/[\w/]+\.py)`")
_ELSEWHERE = re.compile(
    r"(?<![\w/.(\[\"])(?:design|interfaces|style|libraries|measurements)\.md"  # notes outside of the repository
    r"|\(design,|\bdesign, [\"§]|\breference,? (?:Action|§)"
    r"|(?<!RFC \d{4} )(?<!RFC \d{4} )§"  # sections are those of RFCs
)
_RFC_SECTION = re.compile(r"RFC \d{3,5}(?:,? (?:and )?§[\w.]+)+(?:, §[\w.]+)*(?: and §[\w.]+)?")
MINE = Path(__file__)


def files() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            hidden = any(part.startswith((".", "__")) for part in path.relative_to(ROOT).parts[:-1])
            if path.is_file() and path.suffix in ENDINGS and not hidden and path != MINE:
                yield path


def problems(text: str) -> Iterator[str]:
    for match in _PAGE.finditer(text):
        path, heading = ROOT / match["path"], match["heading"] or match["other"]
        if not path.exists():
            yield match["path"]
        elif heading and heading not in Page(path).headings:
            yield f'{match["path"]}, "{heading}"'
    yield from (name for name in _TEST.findall(text) if not (ROOT / name).exists())
    yield from (match[0] for match in _ELSEWHERE.finditer(_RFC_SECTION.sub("", text)))


def test_references_are_in_the_repository() -> None:
    found = {
        str(path.relative_to(ROOT)): told
        for path in files()
        if (told := list(problems(path.read_text(encoding="utf-8", errors="replace"))))
    }
    assert found == {}


WRONG = [
    ("see `docs/nowhere.md`", ["docs/nowhere.md"]),
    ('see `docs/runs.md`, "Nothing"', ['docs/runs.md, "Nothing"']),
    ('see `docs/runs.md` ("Nothing")', ['docs/runs.md, "Nothing"']),
    ('see `docs/runs.md`, "Results"', []),
    ("tested by `tests/nowhere.py`", ["tests/nowhere.py"]),
    ("as interfaces.md says", ["interfaces.md"]),
    ('(design, "Security")', ["(design,"]),
    ("of reference, Action Llama", ["reference, Action"]),
    ("RFC 8446 §4.1.2 and §5.1, RFC 6066 §3", []),
    ("section §6.1", ["§"]),
]


@pytest.mark.parametrize(("text", "expected"), WRONG)
def test_a_reference_to_elsewhere_is_found(text: str, expected: list[str]) -> None:
    assert list(problems(text)) == expected

"""`freehold mcp init`: what it writes, what it leaves, and that twice is as good as once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import Answer, freehold
from tests.support.folders import one_agent, write_files

ENTRY = {"command": "freehold", "args": ["mcp", "serve"]}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_files(tmp_path / "shop", one_agent())


def init(project: Path, *words: str) -> Answer:
    return freehold("mcp", "init", *words, home=project.parent / "home", project=project)


def test_the_file_is_written(project: Path) -> None:
    path = project / ".mcp.json"
    assert init(project).out == f"{path}: written, with the server freehold\n"
    assert json.loads(path.read_text()) == {"mcpServers": {"freehold": ENTRY}}
    assert path.stat().st_mode & 0o777 == 0o644
    before = path.read_bytes()
    assert init(project).out == f"{path}: has the server freehold already; nothing was changed\n"
    assert path.read_bytes() == before


def test_others_stay(project: Path) -> None:
    path = project / ".mcp.json"
    other = {"command": "other", "env": {"ü": "1"}}
    path.write_text(json.dumps({"mcpServers": {"other": other}, "more": [1]}))
    assert init(project).out == f"{path}: the server freehold was added; kept: other\n"
    assert json.loads(path.read_text()) == {"mcpServers": {"other": other, "freehold": ENTRY}, "more": [1]}
    path.write_text(json.dumps({"mcpServers": {"freehold": {"command": "al"}, "other": other}}))
    assert json.loads(init(project, "--json").out) == {"path": str(path), "change": "replaced", "others": ["other"]}
    assert json.loads(path.read_text())["mcpServers"] == {"freehold": ENTRY, "other": other}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"mcpServers": []}', "\xff"])
def test_a_file_that_is_none_is_left_as_it_is(project: Path, text: str) -> None:
    path = project / ".mcp.json"
    path.write_bytes(text.encode("latin-1"))
    answer = init(project)
    assert answer.code == 3
    assert answer.err.startswith(f"error: {path}: ")
    assert path.read_bytes() == text.encode("latin-1")


def test_no_project_gets_none(tmp_path: Path) -> None:
    folder = tmp_path / "downloads"
    folder.mkdir()
    assert init(folder).code == 1
    assert list(folder.iterdir()) == []

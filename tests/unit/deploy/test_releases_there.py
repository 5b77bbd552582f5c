"""Releases as a server puts them together, lets them count and removes them: the remote programs, on this machine."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from freehold.base.errors import Code, FreeholdError
from tests.support.remote_program import remote_program

A, B, C = (f"0{number}".rjust(26, "0") for number in (1, 2, 3))
ODD = 'it\'s "odd"\n$(touch x) `id` ; -rf'


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Server:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.releases = root / "releases"
        self.current = root / "current"

    def bring(self, release: str, *texts: str) -> None:
        for text in texts:
            path = self.releases / f".incoming-{release}" / digest(text)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def seal(
        self, release: str, files: dict[str, str], units: Any = None, links: dict[str, str] | None = None,
        brought: dict[str, str] | None = None,
    ) -> Any:  # fmt: skip
        folders = sorted({str(parent) for path in files for parent in Path(path).parents if str(parent) != "."})
        entries = [[path, "folder", "", 0] for path in folders]
        entries += [[path, "program" if "bin" in path else "file", digest(text), 1] for path, text in files.items()]
        entries += [[path, "link", target, 0] for path, target in (links or {}).items()]
        told = {
            "releases": str(self.releases), "record": {"id": release, "content": release}, "entries": entries,
            "units": units, "before": str(self.current),
            "brought": {name: base64.b64encode(text.encode()).decode() for name, text in (brought or {}).items()},
        }  # fmt: skip
        return remote_program("release")["main"](told)["missing"]

    def read(self, content: str = "") -> Any:
        marks = str(self.root / "rolled-back.json")
        asked = {"releases": str(self.releases), "current": str(self.current), "content": content, "rolled_back": marks}
        return remote_program("release")["read"](asked)

    def switch(self, release: str, token: str = "ours", rolled_back: list[str] | None = None) -> None:
        (self.root / "lease").write_text(json.dumps({"token": "ours"}))
        links = [(str(self.current), f"releases/{release}")]
        marks = None if rolled_back is None else [str(self.root / "rolled-back.json"), rolled_back]
        told = {
            "lease": str(self.root / "lease"), "token": token, "links": links, "guard": None, "rolled_back": marks
        }  # fmt: skip
        remote_program("switch")["main"](told)

    def prune(self, *remove: str) -> None:
        told = {"releases": str(self.releases), "current": str(self.current), "remove": list(remove), "docker": "/none"}
        remote_program("images", "unneeded_images", "prune")["main"](told)

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.releases.iterdir())


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def test_what_did_not_change_is_a_hard_link_and_all_is_read_only(server: Server) -> None:
    server.bring(A, "one", "two")
    assert server.seal(A, {"a": "one", "agents/dev/bin": "two"}, {}) == []
    server.bring(B, "three")
    assert server.seal(B, {"a": "one", "moved/bin": "two", "new": "three"}, {}, {"link": "a"}) == []
    assert server.names == [A, B]
    first, second = server.releases / A, server.releases / B
    assert (first / "a").samefile(second / "a")
    assert (first / "agents/dev/bin").samefile(second / "moved/bin")
    assert (second / "link").readlink() == Path("a")
    for path in second.rglob("*"):
        assert path.is_symlink() or not stat.S_IMODE(path.stat().st_mode) & 0o222, path
    assert os.access(second / "moved/bin", os.X_OK)


def test_a_file_that_became_a_program_is_another_file(server: Server) -> None:
    server.bring(A, "one")
    assert server.seal(A, {"a": "one"}, {}) == []
    assert server.seal(B, {"bin": "one"}, {}) == [digest("one")]
    server.bring(B, "one")
    assert server.seal(B, {"bin": "one"}, {}) == []
    assert not (server.releases / A / "a").stat().st_mode & 0o111


def test_names_are_taken_as_they_are(server: Server) -> None:
    server.bring(A, "one")
    assert server.seal(A, {f"{ODD}/{ODD}": "one"}, {}) == []
    assert (server.releases / A / ODD / ODD).read_text() == "one"
    assert [path.name for path in server.root.iterdir()] == ["releases"]


def test_what_is_missing_is_told_and_nothing_is_made(server: Server) -> None:
    server.bring(A, "one")
    assert server.seal(A, {"a": "one", "b": "two"}, {}) == [digest("two")]
    assert server.names == [f".incoming-{A}"]
    server.bring(A, "two")
    assert server.seal(A, {"a": "one", "b": "two"}, {}) == []


def test_what_changed_on_its_way_is_refused(server: Server) -> None:
    server.bring(A, "one")
    (server.releases / f".incoming-{A}" / digest("one")).write_text("other")
    with pytest.raises(FreeholdError, match="changed while it was sent") as caught:
        server.seal(A, {"a": "one"}, {})
    assert caught.value.code is Code.CONFLICT
    assert A not in server.names


def test_small_files_come_with_the_question(server: Server) -> None:
    server.bring(A, "one")
    assert server.seal(A, {"a": "one", "b": "two", "c": ODD}, {}, brought={digest(t): t for t in ("two", ODD)}) == []
    made = server.releases / A
    assert [(made / name).read_text() for name in "abc"] == ["one", "two", ODD]
    with pytest.raises(FreeholdError, match="changed while it was sent"):
        server.seal(B, {"a": "three"}, {}, brought={digest("three"): "four"})
    assert server.seal(B, {"a": "three"}, {}, brought={digest("three"): "three"}) == []


def test_the_manifest_is_told_where_the_content_differs(server: Server) -> None:
    assert server.read() == {"current": "", "releases": [], "rolled_back": [], "manifest": None}
    server.bring(A, "one")
    server.seal(A, {"a": "one"}, {"unit": "text"})
    server.switch(A)
    known = {"current": A, "releases": [{"id": A, "content": A}], "rolled_back": []}
    assert server.read(A) == {**known, "manifest": None}
    assert server.read("other")["manifest"] == [["a", "file", digest("one"), 1]]


def test_a_release_of_one_agent_takes_the_units_along(server: Server) -> None:
    server.bring(A, "one")
    server.seal(A, {"a": "one"}, {"unit": "text"})
    server.switch(A)
    server.seal(B, {"a": "one"}, None)
    assert json.loads((server.releases / B / ".freehold/units.json").read_text()) == {"unit": "text"}


def test_a_release_that_is_not_whole_is_none(server: Server) -> None:
    (server.releases / A).mkdir(parents=True)
    server.current.symlink_to(f"releases/{A}")
    assert server.read() == {"current": "", "releases": [], "rolled_back": [], "manifest": None}


def test_only_who_has_the_lease_switches(server: Server) -> None:
    for release in (A, B):
        server.bring(release, "one")
        server.seal(release, {"a": "one"}, {})
    server.switch(A)
    with pytest.raises(FreeholdError, match="somebody else took over"):
        server.switch(B, token="not ours")
    with pytest.raises(FreeholdError, match="is not there"):
        server.switch(C)
    assert server.current.readlink() == Path(f"releases/{A}")
    (server.root / "current.part").symlink_to("nowhere")  # of a switch that was cut off
    server.switch(B)
    assert server.current.readlink() == Path(f"releases/{B}")


def test_what_was_gone_back_from_is_written_with_the_switch_and_stays_at_the_next(server: Server) -> None:
    for release in (A, B):
        server.bring(release, "one")
        server.seal(release, {"a": "one"}, {})
    server.switch(B)
    with pytest.raises(FreeholdError, match="somebody else took over"):
        server.switch(A, token="not ours", rolled_back=[B])
    assert server.read()["rolled_back"] == []
    server.switch(A, rolled_back=[B])
    server.switch(A)
    assert server.read()["rolled_back"] == [B]
    server.switch(B, rolled_back=[])
    assert server.read()["rolled_back"] == []


def test_the_release_that_counts_is_never_removed(server: Server) -> None:
    for release in (A, B, C):
        server.bring(release, "one")
        server.seal(release, {"a": "one"}, {})
    server.switch(B)
    (server.releases / ".making-x").mkdir()
    server.prune(A, B)
    assert server.names == [B, C]

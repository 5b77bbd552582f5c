"""Which files a revision has: its name, and one put together from two."""

from __future__ import annotations

import pytest

from freehold.runtime.revision import Entry, Kind, Manifest, is_revision

CONFIG = Entry("files/config.toml", Kind.FILE, "c1", 3)
DEV = Entry("files/agents/dev/SKILL.md", Kind.FILE, "d1", 3)
OPS = Entry("files/agents/ops/SKILL.md", Kind.FILE, "o1", 3)


def changed(entry: Entry) -> Entry:
    return Entry(entry.path, entry.kind, entry.digest + "x", entry.size_bytes)


def test_the_name_is_of_names_contents_and_kinds() -> None:
    name = Manifest.of([CONFIG, DEV]).name
    assert Manifest.of([DEV, CONFIG]).name == name
    assert is_revision(name)
    others = [
        Manifest.of([CONFIG]),
        Manifest.of([CONFIG, changed(DEV)]),
        Manifest.of([CONFIG, Entry(DEV.path, Kind.PROGRAM, "d1", 3)]),
        Manifest.of([CONFIG, Entry("files/agents/dev2/SKILL.md", Kind.FILE, "d1", 3)]),
    ]
    assert len({name, *(one.name for one in others)}) == 5


@pytest.mark.parametrize("name", ["", "..", "a" * 31, "A" * 32, "../" + "a" * 29, "a" * 32 + "\n"])
def test_what_is_no_name_leads_nowhere(name: str) -> None:
    assert not is_revision(name)


@pytest.mark.parametrize(
    ("path", "agent"),
    [
        ("files/agents/dev/SKILL.md", "dev"),
        ("files/agents/dev", "dev"),
        ("files/agents", ""),
        ("files/config.toml", ""),
        ("files/shared/agents/dev/x", ""),
        ("environment.toml", ""),
    ],
)
def test_whose_a_file_is(path: str, agent: str) -> None:
    assert Entry(path, Kind.FILE).agent == agent


def test_parts_of_an_earlier_one_take_the_place_of_those_of_now() -> None:
    earlier = Manifest.of([CONFIG, DEV, OPS, Entry("files/agents/dev/old", Kind.FILE, "x")])
    now = Manifest.of([changed(CONFIG), changed(DEV), changed(OPS)])
    assert now.with_earlier(earlier, ["dev"]) == Manifest.of(
        [changed(CONFIG), DEV, Entry("files/agents/dev/old", Kind.FILE, "x"), changed(OPS)]
    )
    assert now.with_earlier(earlier, project=True) == Manifest.of([CONFIG, changed(DEV), changed(OPS)])
    assert now.with_earlier(earlier) == now


def test_folders_come_before_what_is_in_them() -> None:
    paths = ["files/a-b/x", "files/a", "files/a/x", "files", "files/a-b"]
    order = [entry.path for entry in Manifest.of(Entry(path, Kind.FOLDER) for path in paths).entries]
    for path in paths:
        parent = path.rpartition("/")[0]
        assert not parent or order.index(parent) < order.index(path)

from __future__ import annotations

import os
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.project.dockerfiles.syntax import parse
from freehold.runtime.images import context
from freehold.runtime.images.context import collect, selection
from freehold.runtime.images.inputs import ImageInputs
from freehold.runtime.images.patterns import Selection
from freehold.runtime.images.recipe import read_recipe

EVERYTHING = Selection((".",))

SELECTED = [
    ("nothing", "RUN true", ()),
    ("a file", "COPY a /x", ("a",)),
    ("several", "COPY a b/c d* /x/", ("a", "b/c", "d*")),
    ("ADD too", "ADD a /x", ("a",)),
    ("all", "COPY . /x", (".",)),
    ("all, otherwise", "COPY ./ /x", (".",)),
    ("spellings of one", "COPY ./a /a b/../c /x/", ("a", "c")),
    ("out of the folder", "COPY ../../a /x", ("a",)),
    ("a list", 'COPY ["a b", "/x"]', ("a b",)),
    ("quotes", 'COPY "a b" /x', ("a b",)),
    ("flags", "COPY --chmod=755 --chown=node a /x", ("a",)),
    ("another stage", "COPY --from=tools a /x", ()),
    ("an address", "ADD https://example.org/a /x", ()),
    ("a here-document", "COPY <<EOF /x\nhi\nEOF", ()),
    ("a variable: everything", "COPY $WHAT /x", (".",)),
    ("a mount of the context: everything", "RUN --mount=type=bind,target=/x make", (".",)),
    ("a mount of another stage", "RUN --mount=type=bind,from=tools,target=/x make", ()),
    ("a cache", "RUN --mount=type=cache,target=/x make", ()),
    ("a secret and a bind", "RUN --mount=type=cache,target=/x --mount=target=/y make", (".",)),
]


@pytest.mark.parametrize(("text", "sources"), [case[1:] for case in SELECTED], ids=[case[0] for case in SELECTED])
def test_what_a_dockerfile_reads(text: str, sources: tuple[str, ...]) -> None:
    assert selection(parse(f"FROM al-agent AS tools\n{text}\n")).sources == sources


def write(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(f"content of {path}")


def taken(root: Path, chosen: Selection = EVERYTHING) -> list[str]:
    return [entry.path for entry in collect(root, chosen).entries]


def test_the_agents_own_folder_less_what_is_secret_or_ignored(tmp_path: Path) -> None:
    write(tmp_path, "SKILL.md", "tools/a.sh", ".env", ".env.toml", ".git/config", ".freehold/x", "sub/.env", "big/data")
    (tmp_path / ".freeholdignore").write_text("big/\n")
    assert taken(tmp_path) == [".freeholdignore", "SKILL.md", "tools/a.sh"]


def test_only_what_is_copied_counts(tmp_path: Path) -> None:
    write(tmp_path, "SKILL.md", "tools/a.sh", "tools/deep/b.sh", "other/c")
    chosen = Selection(("tools",))
    before = collect(tmp_path, chosen)
    assert taken(tmp_path, chosen) == ["tools/a.sh", "tools/deep/b.sh"]
    (tmp_path / "SKILL.md").write_text("edited")
    assert collect(tmp_path, chosen).digest == before.digest
    (tmp_path / "tools/deep/b.sh").write_text("edited")
    assert collect(tmp_path, chosen).digest != before.digest


def test_what_changes_the_digest(tmp_path: Path) -> None:
    write(tmp_path, "a", "b")
    digests = {collect(tmp_path, EVERYTHING).digest}
    (tmp_path / "a").chmod(0o755)
    digests.add(collect(tmp_path, EVERYTHING).digest)
    (tmp_path / "b").rename(tmp_path / "c")
    digests.add(collect(tmp_path, EVERYTHING).digest)
    (tmp_path / "link").symlink_to("a")
    digests.add(collect(tmp_path, EVERYTHING).digest)
    assert len(digests) == 4
    os.utime(tmp_path / "a", (1, 1))
    (tmp_path / "c").chmod(0o600)
    assert collect(tmp_path, EVERYTHING).digest in digests


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "sub/../../outside", "loop/outside"])
def test_a_link_that_leaves_the_folder_is_refused(tmp_path: Path, target: str) -> None:
    folder = tmp_path / "agent"
    write(folder, "sub/x")
    write(tmp_path, "outside")
    (folder / "loop").symlink_to(".")
    (folder / "link").symlink_to(target)
    if target == "loop/outside":  # stays inside, though it leads nowhere
        assert "link" in taken(folder)
        return
    with pytest.raises(FreeholdError, match="outside of the folder") as caught:
        collect(folder, EVERYTHING)
    assert caught.value.code is Code.CONFIG
    (folder / ".freeholdignore").write_text("link\n")
    assert "link" not in taken(folder)


def test_a_link_that_is_absolute_is_refused_even_when_it_stays_inside(tmp_path: Path) -> None:
    """In the image it would lead somewhere else."""
    write(tmp_path, "a")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(FreeholdError, match="outside of the folder"):
        collect(tmp_path, EVERYTHING)


def test_a_folder_behind_a_link_is_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "agent"
    write(folder, "sub/x")
    (folder / "again").symlink_to("sub")
    assert taken(folder) == ["again", "sub/x"]


def test_pipes_are_no_part_of_an_image(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FreeholdError, match="is not a file"):
        collect(tmp_path, EVERYTHING)


def test_too_much_is_told_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(context.LARGEST_BYTES + 1)
    with pytest.raises(FreeholdError) as caught:
        collect(tmp_path, EVERYTHING)
    assert caught.value.code is Code.TOO_LARGE
    assert "200.0 MB" in caught.value.message
    assert ".freeholdignore" in caught.value.hint
    assert taken(tmp_path, Selection(("other",))) == []


def test_what_is_staged_is_what_was_hashed_and_can_be_read_by_everybody(tmp_path: Path) -> None:
    folder, target = tmp_path / "agent", tmp_path / "target"
    write(folder, "deep/er/a", "run.sh")
    (folder / "run.sh").chmod(0o700)
    (folder / "link").symlink_to("run.sh")
    target.mkdir()
    found = collect(folder, EVERYTHING)
    before = os.umask(0o077)
    try:
        found.stage(target)
    finally:
        os.umask(before)
    assert collect(target, EVERYTHING).digest == found.digest
    modes = {path: (target / path).lstat().st_mode & 0o777 for path in ("deep", "deep/er", "deep/er/a", "run.sh")}
    assert modes == {"deep": 0o755, "deep/er": 0o755, "deep/er/a": 0o644, "run.sh": 0o755}


def test_a_file_that_changed_meanwhile_stops_the_build(tmp_path: Path) -> None:
    folder, target = tmp_path / "agent", tmp_path / "target"
    write(folder, "a")
    target.mkdir()
    found = collect(folder, EVERYTHING)
    (folder / "a").write_text("another")
    with pytest.raises(FreeholdError, match="changed while it was read") as caught:
        found.stage(target)
    assert caught.value.code is Code.CONFLICT


def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FreeholdError, match="cannot be read for the build"):
        collect(tmp_path / "nowhere", EVERYTHING)


def test_links_that_go_round_are_sent_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert [entry.digest for entry in collect(tmp_path, EVERYTHING).entries] == ["b", "a"]


@pytest.mark.parametrize("target", ["/dev/zero", "rules"])
def test_ignore_rules_that_are_a_link_are_not_followed(tmp_path: Path, target: str) -> None:
    (tmp_path / "rules").write_text("*")
    (tmp_path / ".freeholdignore").symlink_to(target)
    with pytest.raises(FreeholdError, match="is a link"):
        collect(tmp_path, EVERYTHING)


def test_more_files_than_a_build_may_read_are_refused(tmp_path: Path) -> None:
    for number in range(context.MOST_ENTRIES // 1000 + 1):
        (tmp_path / f"{number}").mkdir()
        for name in range(1000):
            os.mknod(tmp_path / f"{number}" / f"{name}")
    with pytest.raises(FreeholdError, match="or 20000") as caught:
        collect(tmp_path, EVERYTHING)
    assert caught.value.code is Code.TOO_LARGE


def test_a_well_of_folders_is_refused(tmp_path: Path) -> None:
    (tmp_path / "/".join("d" * 80)).mkdir(parents=True)
    with pytest.raises(FreeholdError, match="more than 64 folders deep"):
        collect(tmp_path, EVERYTHING)


def test_a_dockerfile_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").symlink_to("/dev/zero")
    inputs = ImageInputs("p", "dev", tmp_path, tmp_path)
    with pytest.raises(FreeholdError, match="is a link"):
        read_recipe(tmp_path / "Dockerfile", inputs)

"""What the runner says of files and repositories at a run's end: a real git, and agents that mean it ill."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from freehold.runner.children import Children
from freehold.runner.left import LeftBehind, tell
from freehold.wire.left import LARGEST_KEPT_BYTES, LONGEST_PATCH, MOST_FILES, FileLeft, Left


def git(folder: Path, *words: str) -> str:
    env = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.c", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b.c",
    }  # fmt: skip
    return subprocess.run(["git", *words], cwd=folder, env=env, check=True, capture_output=True, text=True).stdout


def plain_git(folder: Path) -> None:
    subprocess.run(["git", "diff"], cwd=folder, capture_output=True, check=False)


def write_at(folder: Path, name: bytes) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text("hello\n")


def repository(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    for name, text in (files or {"README": "one\n", "old": "gone\n"}).items():
        (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    return folder


class Place:
    """A workspace and a working directory, as a run has them."""

    def __init__(self, root: Path, children: Children) -> None:
        self.workspace, self.working = root / "workspace", root / "tmp"
        scratch = self.working / ".freehold"
        self.workspace.mkdir()
        scratch.mkdir(parents=True)
        self.scratch = scratch
        self.children = children
        self.left = LeftBehind(children, [self.workspace, self.working], scratch)

    async def look(self) -> Left:
        found = await self.left.look(20.0)
        assert not list(self.scratch.iterdir())  # nothing of ours stays
        return found


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    children = Children(adopt=False)
    yield Place(tmp_path, children)
    children.close()


def states(left: Left, root: Path) -> dict[str, str]:
    return {one.path.removeprefix(f"{root}/"): one.state for one in left.files}


async def test_what_was_changed_committed_added_and_removed(place: Place) -> None:
    shop = repository(place.workspace / "shop")
    (shop / ".gitignore").write_text("build/\n")
    await place.left.begin()
    (shop / "README").write_text("two\n")
    git(shop, "commit", "-q", "-am", "Say two")
    (shop / "old").unlink()
    (shop / "neu ü.txt").write_text("fresh\n")
    (shop / "build").mkdir()
    (shop / "build" / "junk").write_text("x")
    left = await place.look()
    assert states(left, shop) == {
        ".gitignore": "added", "README": "changed", "old": "removed", "neu ü.txt": "added",
    }  # fmt: skip
    [told] = left.repositories
    assert told.path == str(shop)
    assert [line.partition(" ")[2] for line in told.commits] == ["Say two"]
    assert all(words in told.patch for words in ("-one\n+two\n", "+++ b/neu ü.txt", "+fresh\n", "deleted file"))
    assert "junk" not in told.patch
    assert (told.cut, told.problem) == (False, "")
    assert {one.path.rpartition("/")[2]: one.content for one in left.files}["neu ü.txt"] == b"fresh\n"


async def test_a_repository_that_stayed_as_it_was_is_not_told_of(place: Place) -> None:
    repository(place.workspace / "shop")
    await place.left.begin()
    assert await place.look() == Left()


async def test_one_cloned_meanwhile_is_compared_with_what_was_cloned(place: Place, tmp_path: Path) -> None:
    origin = repository(tmp_path / "origin")
    await place.left.begin()
    git(place.working, "clone", "-q", str(origin), "deep")
    clone = place.working / "deep"
    (clone / "README").write_text("two\n")
    git(clone, "commit", "-q", "-am", "Say two")
    [told] = (await place.look()).repositories
    assert told.base == git(origin, "rev-parse", "HEAD").strip()
    assert "-one\n+two\n" in told.patch
    assert len(told.commits) == 1


async def test_a_shallow_one_and_a_worktree_and_one_without_a_commit(place: Place, tmp_path: Path) -> None:
    origin = repository(tmp_path / "origin")
    (origin / "README").write_text("later\n")
    git(origin, "commit", "-q", "-am", "second")
    git(place.workspace, "clone", "-q", "--depth", "1", f"file://{origin}", "shallow")
    git(origin, "worktree", "add", "-q", str(place.workspace / "tree"), "HEAD~1")
    git(origin, "pack-refs", "--all")
    await place.left.begin()
    fresh = place.workspace / "fresh"
    fresh.mkdir()
    git(fresh, "init", "-q")
    for name in ("shallow", "tree", "fresh"):
        (place.workspace / name / "new").write_text("n\n")
    left = await place.look()
    assert states(left, place.workspace) == {"fresh/new": "added", "shallow/new": "added", "tree/new": "added"}
    assert [one.problem for one in left.repositories] == ["", "", ""]


async def test_a_first_commit_of_the_run_is_all_there_is(place: Place) -> None:
    await place.left.begin()
    repository(place.workspace / "made", README="hello\n")
    [told] = (await place.look()).repositories
    assert (told.base, len(told.commits)) == ("", 1)
    assert "+hello\n" in told.patch


async def test_files_outside_of_repositories(place: Place, tmp_path: Path) -> None:
    (place.workspace / "before").write_text("old")
    secret = tmp_path / "secret"
    secret.write_text("not ours")
    os.utime(place.workspace / "before", (1, 1))
    await place.left.begin()
    await _tick(place)
    (place.workspace / "report.md").write_text("# It works\n")
    (place.working / "notes").mkdir()
    (place.working / "notes" / "a.bin").write_bytes(b"\0\1")
    (place.workspace / "node_modules").mkdir()
    (place.workspace / "node_modules" / "x.js").write_text("x")
    (place.workspace / "link").symlink_to(secret)
    (place.workspace / "folder").symlink_to(tmp_path)
    os.mkfifo(place.workspace / "pipe")
    (place.workspace / "large").write_bytes(b"x" * (LARGEST_KEPT_BYTES + 1))
    left = await place.look()
    assert [(one.path, one.content) for one in left.files] == [
        (str(place.working / "notes" / "a.bin"), b"\0\1"),
        (str(place.workspace / "large"), None),
        (str(place.workspace / "report.md"), b"# It works\n"),
    ]
    assert left.files[1].size_bytes == LARGEST_KEPT_BYTES + 1


async def _tick(place: Place) -> None:
    """Until what is written is newer than what `begin` saw: file systems round times to a clock tick."""
    probe = place.scratch / "probe"
    while True:
        probe.write_text("x")
        newer = probe.stat().st_ctime > place.left.since
        probe.unlink()
        if newer:
            return


HOSTILE = """\
[core]
	fsmonitor = {trap}
	hooksPath = {hooks}
	pager = {trap}
	sshCommand = {trap}
	editor = {trap}
	attributesFile = {hooks}/attributes
[diff]
	external = {trap}
[diff "mine"]
	command = {trap}
	textconv = {trap}
[filter "mine"]
	clean = {trap}
	smudge = {trap}
	process = {trap}
	required = true
[remote "origin"]
	url = ext::{trap}
	promisor = true
[extensions]
	partialClone = origin
[alias]
	diff = !{trap}
	read-tree = !{trap}
[log]
	showSignature = true
[gpg]
	program = {trap}
[include]
	path = {hooks}/more
"""


async def test_nothing_that_the_agent_configured_is_run(place: Place, tmp_path: Path) -> None:
    shop = repository(place.workspace / "shop")
    inner = repository(shop / "inner")
    git(shop, "-c", "advice.addEmbeddedRepo=false", "add", "inner")
    git(shop, "commit", "-q", "-m", "a repository in it")
    await place.left.begin()
    sprung = tmp_path / "sprung"
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\necho sprung >> {sprung}\n")
    trap.chmod(0o755)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "pre-commit", "post-checkout", "reference-transaction", "fsmonitor-watchman"):
        (hooks / name).symlink_to(trap)
        for repo in (shop, inner):
            (repo / ".git" / "hooks").mkdir(exist_ok=True)
            (repo / ".git" / "hooks" / name).write_text(trap.read_text())
            (repo / ".git" / "hooks" / name).chmod(0o755)
    (hooks / "attributes").write_text("* filter=mine diff=mine\n")
    (shop / ".gitattributes").write_text("* filter=mine diff=mine\n")
    (shop / "README").write_text("two\n")
    (inner / "README").write_text("two\n")
    for repo in (shop, inner):
        (repo / ".git" / "config").write_text(HOSTILE.format(trap=trap, hooks=hooks))
        (repo / ".git" / "info" / "attributes").write_text("* filter=mine diff=mine\n")
    left = await place.look()
    assert not sprung.exists()
    assert any("-one\n+two\n" in one.patch for one in left.repositories)
    # The traps are real: plain git falls into them.
    plain_git(shop)
    assert sprung.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("HEAD", b"ref: ../../../../etc/passwd\n"), ("HEAD", b"\0\0\0"), ("HEAD", b"f" * 40 + b"\n"),
        ("HEAD", b"x" * 1_000_000), ("packed-refs", b"\xff" * 10_000), ("shallow", b"nonsense\n"),
        ("objects/info/alternates", b"/etc\n\n\"\\\n"), ("logs/HEAD", b"\t\t\t"), ("index", b"DIRC\xff\xff\xff\xff"),
    ],
)  # fmt: skip
async def test_a_broken_repository_is_told_or_looked_at_and_ends_nothing(
    place: Place, name: str, content: bytes
) -> None:
    shop = repository(place.workspace / "shop")
    await place.left.begin()
    (shop / "README").write_text("two\n")
    (shop / ".git" / name).parent.mkdir(parents=True, exist_ok=True)
    (shop / ".git" / name).write_bytes(content)
    for one in (await place.look()).repositories:
        assert one.problem or one.patch


async def test_a_working_tree_that_leads_elsewhere_tells_nothing_of_there(place: Place, tmp_path: Path) -> None:
    outside = repository(tmp_path / "outside", private="top secret\n")
    await place.left.begin()
    (place.workspace / "linked").symlink_to(outside)
    odd = repository(place.workspace / "odd")
    (odd / "README").unlink()
    (odd / "README").symlink_to(outside / "private")
    left = await place.look()
    assert "top secret" not in str(left)
    assert str(outside) not in {one.path for one in left.repositories}


async def test_more_than_there_is_room_for(place: Place) -> None:
    shop = repository(place.workspace / "shop")
    await place.left.begin()
    (shop / "long").write_text("a line\n" * 200_000)
    many = place.workspace / "many"
    many.mkdir()
    for number in range(MOST_FILES + 50):
        (many / f"{number:05}").write_text("x" * 5000)
    left = await place.look()
    assert len(left.files) == MOST_FILES
    assert left.more >= 50
    assert sum(len(one.content or b"") for one in left.files) <= 3 * 1024 * 1024
    assert left.repositories[0].cut or "Binary files" in left.repositories[0].patch
    assert len(left.repositories[0].patch) <= LONGEST_PATCH


async def test_time_that_is_up_is_told(place: Place) -> None:
    shop = repository(place.workspace / "shop")
    await place.left.begin()
    (shop / "README").write_text("two\n")
    left = await place.left.look(0.0)
    assert "in time" in left.repositories[0].problem


async def test_names_with_anything_in_them(place: Place) -> None:
    shop = repository(place.workspace / "shop")
    await place.left.begin()
    for name in (b"a\nb", b'"quoted"', b":(top)x", b"-p", b"\xff\xfe", b"<script>"):
        write_at(shop, name)
    left = await place.look()
    names = {one.path.removeprefix(f"{shop}/") for one in left.files}
    assert names == {"a\nb", '"quoted"', ":(top)x", "-p", "��", "<script>"}
    assert all(one.content == b"hello\n" for one in left.files)


async def test_whatever_goes_wrong_is_told_and_raises_nothing(place: Place) -> None:
    left = LeftBehind(place.children, [Path("a\0b")], place.scratch)
    await left.begin()
    assert "could not be looked at" in (await left.look(5.0)).problem


@pytest.mark.parametrize(("status", "said"), [(b"200 OK", ""), (b"413 Too large", "the keeper refused it (413)")])
async def test_a_keeper_that_comes_back_is_told(tmp_path: Path, status: bytes, said: str) -> None:
    """One hangs up in the middle, as a keeper does that is killed; the next one is told all of it."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        heard.append(await reader.readexactly(length))
        if len(heard) > 1:
            writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")
            await writer.drain()
        writer.close()

    left = Left(files=[FileLeft(path="a", state="written", content=b"x" * 300_000)])
    server = await asyncio.start_unix_server(serve, tmp_path / "run.sock", limit=1 << 20)
    async with server:
        assert await tell(left, tmp_path / "run.sock", 20.0) == said
    assert [msgspec.json.decode(body, type=Left) for body in heard] == [left, left]


async def test_a_keeper_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    told = await tell(Left(files=[FileLeft(path="a", state="written")]), tmp_path / "run.sock", 0.3)
    assert told

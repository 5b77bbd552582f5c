"""What a run says that it left: kept without its secrets, told by the keeper, gone with the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.base.redaction import Redaction
from freehold.base.secret import Secret
from freehold.keeper.control import MOST_LEFT_TOLD
from freehold.keeper.fakes import FakeServices
from freehold.keeper.history import RUNS
from freehold.keeper.left import LEFT_FILE, LeftBehind, read_left
from freehold.wire.left import FileLeft, Left, ReadLeft, ReadLeftFile, RepositoryLeft
from tests.support.stage import NOBODY, Stage

TOKEN = "ghp_0123456789"
LEFT = Left(
    files=[
        FileLeft(path="/workspace/a.txt", state="added", size_bytes=9, content=f"key={TOKEN}\n".encode()),
        FileLeft(path="/workspace/b.bin", state="written", size_bytes=9, content=b"\xff\0" + TOKEN.encode()),
        FileLeft(path="/workspace/c.bin", state="written", size_bytes=2, content=b"\xff\0"),
        FileLeft(path="/workspace/old", state="removed"),
    ],
    more=3,
    repositories=[RepositoryLeft(path="/workspace", base="a" * 40, commits=[f"a {TOKEN}"], patch=f"+{TOKEN}\n")],
)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "shop", tmp_path / "home")


def state(stage: Stage) -> Path:
    return stage.root / ".freehold"


async def left_by(stage: Stage, left: Left = LEFT, times: int = 1) -> str:
    async def play(services: FakeServices) -> int:
        run = stage.keeper.active(next(iter(stage.services)))
        assert run is not None
        run.redaction = Redaction([Secret(TOKEN)])
        for _ in range(times):
            await services.control.keep_left(left)
        return 0

    stage.act(play)
    run_id = await stage.start()
    await stage.finished(run_id)
    return run_id


async def test_it_is_kept_without_secrets_and_told(stage: Stage) -> None:
    run_id = await left_by(stage)
    kept = state(stage) / RUNS / run_id / LEFT_FILE
    assert kept.stat().st_mode & 0o777 == 0o600
    assert TOKEN.encode() not in kept.read_bytes()
    verbs = LeftBehind(state(stage))
    told = await verbs.tell(NOBODY, ReadLeft(run_id))
    assert [(one.path, one.state, one.kept, one.text) for one in told.files] == [
        ("/workspace/a.txt", "added", True, True),
        ("/workspace/b.bin", "written", False, False),
        ("/workspace/c.bin", "written", True, False),
        ("/workspace/old", "removed", False, False),
    ]
    assert (told.more, told.repositories[0].patch) == (3, "+[hidden]\n")
    assert (await verbs.content(NOBODY, ReadLeftFile(run_id, "/workspace/a.txt"))).content == b"key=[hidden]\n"


async def test_half_a_secret_where_a_patch_was_cut_is_not_kept(stage: Stage) -> None:
    cut = RepositoryLeft(path="/workspace", commits=["a1 key", f"a2 {TOKEN[:7]}"], patch=f"+x\n+{TOKEN[:9]}", cut=True)
    run_id = await left_by(stage, Left(repositories=[cut]))
    [told] = read_left(state(stage), run_id).repositories
    assert (told.commits, told.patch) == (["a1 key", "a2 "], "+x\n+")


@pytest.mark.parametrize("path", ["/workspace/b.bin", "/workspace/none", "../run.json", "/etc/passwd"])
async def test_what_is_not_kept_is_not_found(stage: Stage, path: str) -> None:
    run_id = await left_by(stage)
    with pytest.raises(FreeholdError) as refused:
        await LeftBehind(state(stage)).content(NOBODY, ReadLeftFile(run_id, path))
    assert refused.value.code is Code.NOT_FOUND


UNKNOWN = "dev-01j00000000000000000000000"


@pytest.mark.parametrize("run_id", ["none", "../../x", UNKNOWN, f"a/{UNKNOWN}"])
async def test_of_an_unknown_run_nothing_is_known(stage: Stage, run_id: str) -> None:
    with pytest.raises(FreeholdError) as refused:
        read_left(state(stage), run_id)
    assert refused.value.code is Code.NOT_FOUND


async def test_the_last_word_counts_and_there_are_not_many(stage: Stage) -> None:
    run_id = await left_by(stage, Left(more=7), times=MOST_LEFT_TOLD)
    assert read_left(state(stage), run_id).more == 7
    with pytest.raises(FreeholdError) as refused:
        await stage.services[run_id].control.keep_left(LEFT)
    assert refused.value.code is Code.OVERLOADED

"""What the run left, looked at where it is: at the end, by the runner, with no more rights than the agent had."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from freehold.base.excerpt import excerpt
from freehold.base.sockets import connect_unix
from freehold.runner.children import Children
from freehold.runner.git_changes import Changed, look_at_changes, shown
from freehold.runner.git_program import GitFailedError, GitProgram
from freehold.runner.repositories import Repository, find_repositories
from freehold.runner.written_files import Kept, written_since
from freehold.wire.left import LONGEST_PATCH, Left, RepositoryLeft

LOOK_S = 15.0
HURRY_S = 1.5
"""When the run was sent a signal, and is killed some seconds later."""
TELL_S = 20.0
_PAUSE_S = 0.2
_REASON = 300


class LeftBehind:
    """`begin` before the agent is at work, `look` when it is done; `tell` says it to the keeper."""

    def __init__(self, children: Children, folders: Sequence[Path], scratch: Path) -> None:
        self._children = children
        self._folders = folders
        self._scratch = scratch
        self.since = 0.0
        self._heads: Mapping[Path, str] = {}

    async def begin(self) -> None:
        """Remember the moment, and where each repository stands."""
        try:
            self._heads = await asyncio.to_thread(self._stand)
        except Exception:  # whatever it is, the run goes on; what it finds later is compared with less
            self._heads = {}
        self.since = time.time()

    async def look(self, within_s: float) -> Left:
        """What there is. Raises nothing, and takes hardly longer than `within_s`."""
        try:
            return await self._look(within_s)
        except Exception as error:  # no thread to be had where an agent forked without end: that changes no result
            return Left(problem=excerpt(f"it could not be looked at: {type(error).__name__}: {error}", _REASON))

    async def _look(self, within_s: float) -> Left:
        deadline = time.monotonic() + within_s
        repositories = await asyncio.to_thread(find_repositories, self._folders)
        kept, told, left = Kept(), [], LONGEST_PATCH
        for repository in repositories:
            changed = await self._changes(repository, left, deadline)
            if not changed.files and not changed.told.commits and not changed.told.problem:
                continue
            told.append(changed.told)
            left -= len(changed.told.patch)
            for name, state in changed.files:
                kept.add(str(repository.path / name), state)
        passed_over = {repository.path for repository in repositories} | {self._scratch}
        written, whole = await asyncio.to_thread(written_since, self._folders, self.since, passed_over, deadline)
        for one in written:
            kept.add(one.path, "written")
        problem = "" if whole else "there were too many files to look at all of them"
        return Left(files=kept.files, more=kept.more, repositories=told, problem=problem)

    def _stand(self) -> dict[Path, str]:
        return {repository.path: repository.head() for repository in find_repositories(self._folders)}

    async def _changes(self, repository: Repository, longest: int, deadline: float) -> Changed:
        base, head = self._heads.get(repository.path), repository.head()
        base = repository.first() if base is None else base
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + deadline - time.monotonic()):
                with tempfile.TemporaryDirectory(dir=self._scratch, ignore_cleanup_errors=True) as place:
                    git = GitProgram(self._children, repository, Path(place), base or head)
                    return await look_at_changes(git, repository.path, base, head, Path(place), longest)
        except TimeoutError:
            problem = "its changes could not be looked at in time"
        except (GitFailedError, OSError) as error:
            problem = f"its changes could not be looked at: {error}"
        except Exception as error:  # git is not there, or a defect of ours: neither may change how the run ended
            problem = f"its changes could not be looked at: {type(error).__name__}: {error}"
        return Changed(RepositoryLeft(path=shown(repository.path), base=base, problem=excerpt(problem, _REASON)))


async def tell(left: Left, run_socket: Path, within_s: float = TELL_S) -> str:
    """Say it to the keeper, which may be away for a moment; why it did not take it, or the empty string."""
    problem = "the keeper does not answer"
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while True:
                try:
                    return await _post(msgspec.json.encode(left), run_socket)
                except (OSError, ValueError, asyncio.IncompleteReadError) as error:
                    problem = str(error) or type(error).__name__
                await asyncio.sleep(_PAUSE_S)
    return problem


async def _post(body: bytes, run_socket: Path) -> str:
    connection = connect_unix(run_socket, timeout_s=1.0)
    connection.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=connection)
    try:
        head = f"POST /v1/run/left HTTP/1.1\r\nhost: run\r\nconnection: close\r\ncontent-length: {len(body)}\r\n"
        writer.write(f"{head}content-type: application/json\r\n\r\n".encode() + body)
        await writer.drain()
        status = (await reader.readline()).split(b" ")
        if len(status) < 2:
            raise ConnectionResetError("the keeper went away")
        return "" if status[1] == b"200" else f"the keeper refused it ({status[1].decode(errors='replace')[:3]})"
    finally:
        writer.close()

"""When to look at a project's files again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from enum import Enum
from pathlib import Path
from typing import Protocol, Self

from watchfiles import Change, awatch

from freehold.project.home import credentials_directory
from freehold.project.load import AGENTS_DIRECTORY, CONFIG_FILE
from freehold.project.overlay import OVERLAY_FILE
from freehold.runtime.images.patterns import IGNORE_FILE

QUIET_MS, LONGEST_MS = 300, 2000
"""Nothing is looked at before so long nothing changed: an editor, or git, is at work. But it is not waited for ever."""
_CHECK_MS = 5000
"""How often it is seen that a folder was removed, or is another."""
_BLIND_S = 1.0
"""What changed before a watch was set up is not told: it is looked for this long after."""
_LINK_S = 0.1
"""How often it is seen where a project's folder that is a link leads, when nobody asks (`look`), as a push does. One
system call each time, where a watch of the folder around it would wake up as often, and for what others do there."""
_POLL_S = 2.0
"""Between two looks where the system tells nothing of changes."""
_OWN_FILES = frozenset({CONFIG_FILE, OVERLAY_FILE, IGNORE_FILE, "Dockerfile", AGENTS_DIRECTORY, "shared"})

_logger = logging.getLogger(__name__)


class What(Enum):
    FILES = "the project's files"
    CREDENTIALS = "credentials"


class Changes(Protocol):
    async def next(self, within_s: float) -> frozenset[What]:
        """What changed since it was asked for the last time, once it is quiet; nothing when `within_s` is over."""
        ...


class FileChanges:
    """Watches while it is entered. The same change may be told twice; one that is missed is found by a regular look."""

    def __init__(self, root: Path, home: Path) -> None:
        self._root = root
        self._home = home
        self._changed: set[What] = set()
        self._woken = asyncio.Event()
        self._replaced = asyncio.Event()
        self._switched = asyncio.Event()
        self._blind = False
        self._target: str | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        works = [
            self._watch_root(),
            self._watch_again(self._trees, What.FILES),
            self._watch_again(self._credentials, What.CREDENTIALS),
        ]
        if self._root.is_symlink():
            self._target = _target(self._root)
            works.append(self._watch_link())
        self._tasks = [asyncio.create_task(self._or_poll(work)) for work in works]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def next(self, within_s: float) -> frozenset[What]:
        # Not `wait_for`: before Python 3.12 it forgets that it was cancelled when what it waits for comes just then.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(within_s, _POLL_S) if self._blind else within_s):
                await self._woken.wait()
        self._woken.clear()
        changed, self._changed = frozenset(self._changed), set()
        return changed

    def look(self) -> None:
        """See at once whether the project's folder leads elsewhere: everything is other then, and what is behind it is
        not watched yet."""
        target = "" if self._target is None else _target(self._root)
        if target and target != self._target:
            self._target = target
            self._tell(What.FILES)
            self._replaced.set()
            self._switched.set()

    def _trees(self) -> list[Path]:
        folders = (self._root / AGENTS_DIRECTORY, self._root / "shared", self._home / "environments")
        return [folder for folder in folders if folder.is_dir()]

    def _credentials(self) -> list[Path]:
        return [folder for folder in (credentials_directory(self._home),) if folder.is_dir()]

    async def _or_poll(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except (OSError, RuntimeError) as error:  # watchfiles: its own errors are RuntimeErrors
            if not self._blind:
                told = f"changes are looked for every {_POLL_S:g} s: the system does not tell of them: {error}"
                _logger.warning(told, extra={"hint": "Where inotify is at its limit: sysctl fs.inotify"})
            self._blind = True
            self._tell(What.FILES)

    async def _watch_root(self) -> None:
        """Not what lies deeper: runs write there all the time, in `.freehold`."""

        def counts(_change: Change, path: str) -> bool:
            return Path(path).name in _OWN_FILES

        while True:
            asyncio.get_running_loop().call_later(_BLIND_S, self._tell, What.FILES)
            self._switched = asyncio.Event()
            async for _ in awatch(
                self._root, watch_filter=counts, debounce=LONGEST_MS, step=QUIET_MS, recursive=False,
                stop_event=self._switched,
            ):  # fmt: skip
                self._tell(What.FILES)
                self._replaced.set()

    async def _watch_link(self) -> None:
        while True:
            await asyncio.sleep(_LINK_S)
            self.look()

    async def _watch_again(self, folders: Callable[[], Sequence[Path]], what: What) -> None:
        """A folder that is removed and made again is another one: nobody tells of changes in it."""
        while True:
            if watched := folders():
                await self._watch(folders, watched, what)
            else:
                await asyncio.sleep(_CHECK_MS / 1000)
                if not folders():
                    continue

    async def _watch(self, folders: Callable[[], Sequence[Path]], watched: Sequence[Path], what: What) -> None:
        """Return when the folders are other ones."""
        before = [_identity(folder) for folder in watched]
        asyncio.get_running_loop().call_later(_BLIND_S, self._tell, what)
        stop = asyncio.Event()
        if what is What.FILES:
            self._replaced = stop
        watching = awatch(
            *watched,
            watch_filter=lambda _change, path: "/.git/" not in path,
            debounce=LONGEST_MS,
            step=QUIET_MS,
            stop_event=stop,
            rust_timeout=_CHECK_MS,
            yield_on_timeout=True,
            ignore_permission_denied=True,
        )
        try:
            async for changes in watching:
                if changes:
                    self._tell(what)
                if [_identity(folder) for folder in folders()] != before:
                    return
        except FileNotFoundError:  # removed just now
            return

    def _tell(self, what: What) -> None:
        self._changed.add(what)
        self._woken.set()


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # being made anew
        return ""


def _identity(folder: Path) -> tuple[int, int]:
    try:
        status = folder.stat()
    except OSError:
        return (0, 0)
    return (status.st_dev, status.st_ino)

"""The directory of one run: what the keeper keeps of it, and what the run is shown.

run.json  events.jsonl            the keeper's, for ever (0700 directory)
mount/                            /run/freehold of the run
    run.sock                      made by the keeper
    prompt.json                   the brief, 0444
    events.jsonl                  the one file that the run can write to
agent/  shared/                   copies, /app/agent and /app/static/shared of the run
credentials/                      staged fields, /credentials of the run; in memory where that is safe
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import Collection
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import make_private_directory, remove_tree, write_atomically
from freehold.runtime.engine import Place
from freehold.runtime.private_places import memory_base, own_directory
from freehold.runtime.snapshot import take_snapshot
from freehold.wire import brief as briefs
from freehold.wire import places
from freehold.wire.brief import Brief

_CREDENTIALS = "credentials"
_RUNS_LINK = ".runs"
_MOUNT_MODE = 0o755
_BRIEF_MODE = 0o444
_EVENTS_MODE = 0o666
"""Everybody's, because the run's user is not the keeper's; only the run can reach it, through its private parents."""


class RunDirectory:
    """The parts of one run by name. Every operation may be repeated, also by a keeper that took the run over.

    `root` is `.freehold/runs/<run-id>`; `place` is the engine's answer for this run. `memory` is where secrets may lie
    (tests give another; the default asks the machine).
    """

    def __init__(self, root: Path, place: Place | None = None, memory: Path | None = None) -> None:
        self.root = root
        self._place = place or Place()
        self._memory = memory or memory_base(os.geteuid())
        exposed = self._place.exposed or root
        self.mount = exposed / "mount"
        self.agent = exposed / "agent"
        self.shared = exposed / "shared"

    @property
    def run_id(self) -> str:
        return self.root.name

    @property
    def socket(self) -> Path:
        return self.mount / places.RUN_SOCKET

    @property
    def container_events(self) -> Path:
        """What the run writes. Never replace this file: the run has it open and mounted; truncating is fine."""
        return self.mount / places.EVENTS_FILE

    @property
    def rehearsal_progress(self) -> Path:
        """How far a rehearsed run has come, for the keeper that takes it over."""
        return self.root / "rehearsal.json"

    @property
    def credentials(self) -> Path:
        """Where credentials are staged for this run; the directory exists from `stage_credentials` on."""
        if self._place.credentials is not None:
            return self._place.credentials / _CREDENTIALS
        return (self._in_memory or self.root) / _CREDENTIALS

    def snapshot(self, agent: Path, shared: Path | None) -> None:
        """Lay out `mount`, and copy the agent's folder and the project's `shared/`. Raises as `take_snapshot`."""
        try:
            make_private_directory(self.root)
            self.mount.mkdir(mode=_MOUNT_MODE, exist_ok=True)
            self.mount.chmod(_MOUNT_MODE)
            self.container_events.touch()
            self.container_events.chmod(_EVENTS_MODE)
        except OSError as error:
            raise _disk(self.mount, error) from error
        take_snapshot(agent, self.agent)
        if shared is not None:
            take_snapshot(shared, self.shared, hidden=False)

    def write_brief(self, brief: Brief) -> None:
        """`prompt.json`, read-only for everybody. Raises DISK."""
        path = self.mount / places.BRIEF_FILE
        try:
            write_atomically(path, briefs.encode(brief), _BRIEF_MODE)
        except OSError as error:
            raise _disk(path, error) from error

    def make_credentials_directory(self) -> Path:
        """An empty `credentials`, whose parent nobody but us (or the run's user) can enter. Raises DISK, DENIED."""
        try:
            make_private_directory(self.root)
            remove_tree(self.credentials)
            if self._place.credentials is None and self._memory is not None:
                _make_in_memory(self._memory, self.root)
            self.credentials.mkdir(mode=_MOUNT_MODE)
            self.credentials.chmod(_MOUNT_MODE)
        except OSError as error:
            raise _disk(self.credentials, error) from error
        return self.credentials

    async def remove_secrets(self) -> None:
        """Remove staged credentials, wherever an earlier keeper of this run may have put them."""
        candidates = [self.root / _CREDENTIALS, self.credentials]
        if self._in_memory is not None:
            candidates.append(self._in_memory)
        for path in candidates:
            await asyncio.to_thread(remove_tree, path)
        if self._in_memory is not None and not _names(self._in_memory.parent):
            remove_tree(self._in_memory.parent)

    async def remove_scratch(self) -> None:
        """Remove what only a run under way needs; its record and events stay."""
        for path in (self.mount, self.agent, self.shared):
            await asyncio.to_thread(remove_tree, path)
        self.rehearsal_progress.unlink(missing_ok=True)

    async def remove(self) -> None:
        """Remove everything, record and events included."""
        await self.remove_secrets()
        await self.remove_scratch()
        await asyncio.to_thread(remove_tree, self.root)

    @property
    def _in_memory(self) -> Path | None:
        if self._memory is None:
            return None
        return self._memory / f"freehold-{os.geteuid()}" / _installation(self.root.parent) / self.run_id


async def sweep_secrets(
    runs: Path, alive: set[str], memory: Path | None = None, *, among: Collection[str] | None = None
) -> list[str]:
    """Remove staged credentials of every run below `runs` that is not alive; their ids. `among` are the runs whose
    directories may hold any (None: look into all); what lies in memory is found in any case.

    A keeper does this when it starts, for runs whose keeper died. Other installations' runs are left alone, unless
    their directory is gone: then nobody else would ever remove them.
    """
    memory = memory or memory_base(os.geteuid())
    found = set()
    if memory is not None:
        ours = memory / f"freehold-{os.geteuid()}"
        found |= _names(ours / _installation(runs))
        for orphan in _names(ours):
            if (ours / orphan / _RUNS_LINK).is_symlink() and not (ours / orphan / _RUNS_LINK).exists():
                await asyncio.to_thread(remove_tree, ours / orphan)
    found |= {name for name in (_names(runs) if among is None else among) if (runs / name / _CREDENTIALS).exists()}
    dead = sorted(found - alive)
    for run_id in dead:
        await RunDirectory(runs / run_id, memory=memory).remove_secrets()
    return dead


def _make_in_memory(memory: Path, root: Path) -> None:
    """The private directories in shared memory, and a link that says whose they are."""
    ours = own_directory(memory, f"freehold-{os.geteuid()}", 0o700)
    installation = own_directory(ours, _installation(root.parent), 0o700)
    with contextlib.suppress(FileExistsError):
        (installation / _RUNS_LINK).symlink_to(root.parent.absolute())
    own_directory(installation, root.name, 0o700)


def _names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir() if path.name != _RUNS_LINK} if directory.is_dir() else set()


def _installation(runs: Path) -> str:
    """Tells installations of one user apart where they share a directory."""
    return hashlib.sha256(os.fsencode(runs.absolute())).hexdigest()[:12]


def _disk(path: Path, error: OSError) -> FreeholdError:
    return FreeholdError(
        Code.DISK, f"{path}: {error.strerror}", f"Make room on the disk that holds it, and look at its rights: {path}"
    )

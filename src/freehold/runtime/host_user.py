"""The `Engine` without containers: each run is another user of this host, watched over by a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.base.files import make_private_directory, remove_tree, write_atomically
from freehold.runtime.container_names import PROJECT_LABEL
from freehold.runtime.engine import Exit, Found, Network, Place, Readiness, RunSpec, Shell
from freehold.runtime.host import supervisor
from freehold.runtime.host.account import DEFAULT_RUN_AS, look_up, require_fit
from freehold.runtime.host.allotment import Allotment, end_told, launch, verbs
from freehold.runtime.host.lodging import Lodging
from freehold.runtime.host.readiness import look_at_host
from freehold.runtime.host.shell import HostShell
from freehold.runtime.host.talk import answer_of, ask, refusal
from freehold.runtime.host.watched import PLAN_FILE, Watched
from freehold.wire import places

DIRECTORY = "host-user"
END_DEADLINE_S = 20.0
"""How long the end of a run may take after its last grace: a process that the kernel holds cannot be waited out."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class HostUserEngine:
    """Runs are processes of other users (`host/account.py`), in a network of their own unless it is `open`.

    What is known of them lies in `state/host-user/<run-id>/`, which only the keeper can read. Memory and CPUs are not
    limited; `Place.warnings` says so.
    """

    name = "host-user"

    def __init__(self, clock: Clock, state: Path) -> None:
        self._clock = clock
        self._directory = state / DIRECTORY
        self._allotment = Allotment(self._directory)
        self._one_at_a_time = asyncio.Lock()

    async def check(self, run_as: str = DEFAULT_RUN_AS) -> Readiness:
        return await look_at_host(run_as)

    def users_taken(self, run_as: str, keeper_uid: int) -> int:
        """How many of the users named `run_as` are other projects', so that agents of this one need others."""
        return self._allotment.taken(run_as, keeper_uid)

    async def place(
        self, run_id: str, project: str, agent: str, slot: int, *, run_as: str = "", as_caller: bool = False
    ) -> Place:
        """See `Allotment.lodge`. A user that is nobody's keeps one agent's slot from here on."""
        async with self._one_at_a_time:
            make_private_directory(self._directory)
            lodging = await self._allotment.lodge(
                run_id, project, agent, slot, run_as or DEFAULT_RUN_AS, as_caller=as_caller
            )
        return lodging.place()

    async def start(self, spec: RunSpec) -> None:
        """Raises CONFLICT when the user is not free, CONFIG when the network cannot be had, FAILED for the rest."""
        async with self._one_at_a_time:
            folder = self._directory / spec.run_id
            if Watched.load(folder) is not None:
                return
            lodging = self._lodging(spec.run_id)
            for account in look_up(lodging.account) if lodging.known else ():
                require_fit(account, os.geteuid(), spec.groups)
            write_atomically(folder / PLAN_FILE, json.dumps(self._plan(spec, lodging)).encode())
            command = (sys.executable, "-I", "-S", supervisor.__file__, str(folder))
            action = f"Run {spec.run_id} could not be started as {lodging.account}"
            answer = await answer_of(command, b"", action)
            if "error" in answer:
                (folder / PLAN_FILE).unlink()
                raise refusal(answer, action)

    def _plan(self, spec: RunSpec, lodging: Lodging) -> dict[str, Any]:
        """What the supervisor is to do. It holds no secret: credentials are files that only the run's user can read."""
        lock = self._allotment.locks / lodging.account
        return {
            "labels": spec.labels,
            "run": launch(lodging),
            "verbs": launch(lodging) if lodging.exclusive else (),
            "end": end_told(lodging),
            "lock": str(lock) if lodging.exclusive else "",
            "told": {
                "do": "run",
                "command": spec.command or (f"{lodging.bin}/runner",),
                "isolate_network": spec.network is not Network.OPEN,
                "private_tmp": lodging.private_tmp,
                "scratch": lodging.scratch,
                **self._told(lodging, spec.mount),
            },
        }

    def _told(self, lodging: Lodging, mount: Path) -> dict[str, Any]:
        return {
            "account": {"uid": lodging.uid, "gid": lodging.gid, "known": lodging.known},
            "exclusive": lodging.exclusive,
            "home": lodging.home,
            "directory": lodging.scratch_directory,
            "env": environment(lodging, mount),
        }

    async def wait(self, run_id: str) -> Exit:
        watched = self._watched(run_id)
        await watched.until_gone()
        return watched.exit() or await self._bury(run_id, watched)

    async def _bury(self, run_id: str, watched: Watched) -> Exit:
        """The supervisor was killed: end what is left of the run, and write down that it is over."""
        lodging = self._lodging(run_id)
        if lodging.exclusive:
            action = f"What is left of run {run_id} could not be ended"
            await ask(launch(lodging), end_told(lodging), action)
        else:
            supervisor.end_session(watched.run)
        return watched.write_lost()

    async def kill(self, run_id: str, grace_s: float = 0.0) -> None:
        watched = Watched.load(self._directory / run_id)
        if watched is None or not watched.running:
            return
        if grace_s > 0:
            watched.signal(signal.SIGTERM)
            if await self._gone_within(watched, grace_s):
                return
        watched.signal(signal.SIGUSR1)
        await self._gone_within(watched, END_DEADLINE_S)

    async def _gone_within(self, watched: Watched, seconds: float) -> bool:
        # Not `wait_for`: in Python 3.11 it loses a cancellation that comes as the run ends, and the caller never would.
        try:
            async with asyncio.timeout(seconds):
                await watched.until_gone()
        except TimeoutError:
            return False
        return True

    async def find(self, project: str) -> list[Found]:
        found = []
        for folder in sorted(self._directory.iterdir()) if self._directory.is_dir() else ():
            watched = Watched.load(folder)
            if watched is None:
                continue
            labels = json.loads((folder / PLAN_FILE).read_bytes())["labels"]
            if labels[PROJECT_LABEL] == project:
                found.append(Found.of(labels, running=watched.running))
        return found

    async def remove(self, run_id: str) -> None:
        folder = self._directory / run_id
        lodging, watched = Lodging.load(folder), Watched.load(folder)
        if watched is not None:
            await self.kill(run_id)
            if watched.exit() is None:
                await self._bury(run_id, watched)
        if lodging is not None:
            await _vacate(lodging)
        await asyncio.to_thread(remove_tree, folder)

    async def shell(self, run_id: str, command: tuple[str, ...], columns: int, rows: int) -> Shell:
        watched, lodging = self._watched(run_id), self._lodging(run_id)
        if not watched.running:
            raise FreeholdError(Code.CONFLICT, f"Run {run_id} has ended.")
        program = launch(lodging)
        told = {"do": "enter", "pid": watched.run, "command": command}
        mount = Path(lodging.gate) / "mount"
        return await HostShell.start(program, {**told, **self._told(lodging, mount)}, columns, rows)

    async def give_up_workspace(self, project: str, agent: str, slot: int, run_as: str = DEFAULT_RUN_AS) -> None:
        """Remove a slot's workspace and home; its user is free for another slot then."""
        name = f"{project}-{agent}-{slot}"
        await self._allotment.give_up(name, run_as)

    def _lodging(self, run_id: str) -> Lodging:
        lodging = Lodging.load(self._directory / run_id)
        if lodging is None:
            raise FreeholdError(Code.NOT_FOUND, f"No place was made for run {run_id}.", "See: freehold runs")
        return lodging

    def _watched(self, run_id: str) -> Watched:
        watched = Watched.load(self._directory / run_id)
        if watched is None:
            raise FreeholdError(Code.NOT_FOUND, f"This machine knows no run {run_id}.", "See: freehold runs")
        return watched


def environment(lodging: Lodging, mount: Path) -> dict[str, str]:
    """All that a run's first program is given. Nothing of the operator's, and nothing secret."""
    workspace = lodging.slot_directory("workspace")
    return {
        places.RUN_DIRECTORY_VARIABLE: str(mount),
        "PATH": f"{lodging.bin}:{_PATH}",
        "HOME": lodging.slot_directory("home"),
        "TMPDIR": lodging.scratch_directory,
        "LANG": "C.UTF-8",
        "USER": lodging.account,
        "LOGNAME": lodging.account,
        "XDG_CACHE_HOME": f"{workspace}/.cache",
        "PIP_CACHE_DIR": f"{workspace}/.cache/pip",
        "NPM_CONFIG_CACHE": f"{workspace}/.cache/npm",
    }


async def _vacate(lodging: Lodging) -> None:
    for gate in (lodging.gate, lodging.credentials_gate):
        await asyncio.to_thread(remove_tree, Path(gate))
    if await asyncio.to_thread(Path(lodging.scratch_directory).exists):
        told = {"do": "clear", "home": lodging.home, "scratch": lodging.scratch}
        await ask(verbs(lodging), told, f"{lodging.scratch_directory} could not be removed")

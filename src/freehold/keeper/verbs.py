"""The methods of the keeper's socket (`wire/keeper.py`), each with the type of its parameters."""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from freehold import __version__
from freehold.base.clock import rfc3339
from freehold.base.program import fingerprint
from freehold.keeper.chats import Chats
from freehold.keeper.ending import Ending
from freehold.keeper.gone_workspaces import GoneWorkspaces
from freehold.keeper.images import first_error
from freehold.keeper.keeper import Keeper
from freehold.keeper.left import LeftBehind
from freehold.keeper.rpc_server import Caller, Verb
from freehold.keeper.shell import Shells
from freehold.keeper.wiring import DOCKER, Wiring
from freehold.wire.keeper import (
    AnswerPermission,
    AttachRun,
    AttachScheduler,
    BuildImage,
    BuildNotice,
    FinishChat,
    ImageView,
    InterruptTurn,
    KeeperStatus,
    KillRun,
    ListGoneWorkspaces,
    ListRuns,
    OpenShell,
    PruneRuns,
    RemoveWorkspace,
    Say,
    Spent,
    StopKeeper,
    Stopping,
)
from freehold.wire.left import ReadLeft, ReadLeftFile
from freehold.wire.runs import StartRun

GATEWAYS = frozenset({
    "run/start", "run/attach", "run/kill", "run/list", "run/prune", "run/watch", "revision/used", "run/answer",
    "run/say", "run/interrupt", "run/finish", "run/left", "run/file", "scheduler/attach", "spend/read", "keeper/status",
})  # fmt: skip
"""What the gateway of a server may ask, where it is another user than the keeper: it schedules runs, shows them and
talks to them. Terminals, images, workspaces and the keeper's end are for people, who ask as the keeper's own user there
(`server/command.py`)."""


class Nothing(msgspec.Struct):
    """No parameters."""


class _Images:
    """Building, listing and pruning the project's images."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def build(self, caller: Caller, request: BuildImage) -> dict[str, str]:
        def notice(image: str, text: str) -> None:
            caller.post("image/step", BuildNotice(image, text))

        results = await self._wiring.images.build(self._wiring.load(""), request, notice)
        if error := first_error(results):
            raise error
        return {name: str(image) for name, image in results.items()}

    async def views(self, _caller: Caller, _request: Nothing) -> list[ImageView]:
        return await self._wiring.images.views()

    async def prune(self, _caller: Caller, _request: Nothing) -> list[ImageView]:
        return await self._wiring.images.prune(self._wiring.load(""))


class _Itself:
    """The keeper as a process: how it is, what was spent, who its scheduler is, when it ends."""

    def __init__(self, keeper: Keeper, wiring: Wiring, ending: Ending) -> None:
        self._keeper = keeper
        self._wiring = wiring
        self._ending = ending
        self._started_at = rfc3339(wiring.means.clock.now())

    async def status(self, _caller: Caller, _request: Nothing) -> KeeperStatus:
        ready = await self._wiring.means.engines[DOCKER].check()
        return KeeperStatus(
            pid=os.getpid(),
            version=__version__,
            program=fingerprint(),
            active_runs=self._keeper.active_runs,
            started_at=self._started_at,
            engine=ready.version,
            engine_error=ready.problem,
        )

    async def attach_scheduler(self, caller: Caller, request: AttachScheduler) -> None:
        self._wiring.scheduler.attach(caller, request)

    async def spent(self, _caller: Caller, _request: Nothing) -> Spent:
        return self._wiring.spent()

    async def stop(self, caller: Caller, request: StopKeeper) -> Stopping:
        if request.when_idle and (self._keeper.active_runs or caller.others):
            self._ending.when_idle = True
            return Stopping(now=False)
        self._ending.now.set()
        return Stopping(now=True)


def verbs(keeper: Keeper, wiring: Wiring, ending: Ending) -> Mapping[str, tuple[type, Verb]]:
    """What can be asked. `ending` is for `keeper/stop`."""
    shells = Shells(keeper, wiring.means)
    chats = Chats(keeper)
    workspaces = GoneWorkspaces(wiring.means)
    left = LeftBehind(wiring.means.state)
    images = _Images(wiring)
    itself = _Itself(keeper, wiring, ending)
    return {
        "run/start": (StartRun, keeper.start),
        "run/attach": (AttachRun, keeper.attach),
        "run/kill": (KillRun, keeper.kill),
        "run/list": (ListRuns, keeper.list),
        "run/prune": (PruneRuns, keeper.prune),
        "revision/used": (Nothing, keeper.used_revisions),
        "run/answer": (AnswerPermission, keeper.answer),
        "run/say": (Say, chats.say),
        "run/interrupt": (InterruptTurn, chats.interrupt),
        "run/finish": (FinishChat, chats.finish),
        "run/left": (ReadLeft, left.tell),
        "run/file": (ReadLeftFile, left.content),
        "run/watch": (Nothing, keeper.watch),
        "scheduler/attach": (AttachScheduler, itself.attach_scheduler),
        "spend/read": (Nothing, itself.spent),
        "image/build": (BuildImage, images.build),
        "image/list": (Nothing, images.views),
        "image/prune": (Nothing, images.prune),
        "workspace/gone": (ListGoneWorkspaces, workspaces.find),
        "workspace/remove": (RemoveWorkspace, workspaces.remove),
        "shell/open": (OpenShell, shells.open),
        "keeper/status": (Nothing, itself.status),
        "keeper/stop": (StopKeeper, itself.stop),
    }

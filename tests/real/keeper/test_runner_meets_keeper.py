"""The runner's end of the session and the keeper's end, each as it is, also when the keeper is replaced."""

import asyncio
from pathlib import Path

from freehold.runner.event_file import EventFile
from freehold.runner.keeper_session import KeeperSession
from freehold.wire import session
from freehold.wire.permission import PermissionOption
from freehold.wire.runs import Phase
from tests.support.outside import within
from tests.support.run_world import RunWorld, run_world

YES = PermissionOption(id="yes", name="Yes", kind="allow_once")


async def heard(world: RunWorld, kind: type[session.SessionMessage]) -> session.SessionMessage:
    while not any(isinstance(message, kind) for message in world.said):
        world.heard.clear()
        await within(world.heard.wait())
    return next(message for message in world.said if isinstance(message, kind))


async def test_a_permission_is_asked_answered_and_survives_a_new_keeper(tmp_path: Path) -> None:
    events = EventFile(tmp_path / "events.jsonl", "dev-1")
    runner = KeeperSession(tmp_path / "run.sock", events)
    async with run_world(tmp_path) as first:
        runner.start()
        runner.enter(Phase.SESSION)
        asking = asyncio.create_task(runner.ask("p1", "Push?", [YES]))
        assert await heard(first, session.EnterPhase) == session.EnterPhase(phase=Phase.SESSION)
        asked = await heard(first, session.AskPermission)
    async with run_world(tmp_path) as second:
        assert await heard(second, session.AskPermission) == asked
        assert await heard(second, session.Hello) == session.Hello(phase=Phase.SESSION)
        second.session.send(session.Answer(permission_id="p1", option_id="yes"))
        second.session.send(session.Cancel(reason="enough"))
        assert await within(asking) == "yes"
        assert await within(runner.incoming.get()) == session.Cancel(reason="enough")
        runner.conclude(None)
        await within(runner.close())
        assert await heard(second, session.Conclusion) == session.Conclusion()
        assert first.violations == second.violations == []
    events.close()

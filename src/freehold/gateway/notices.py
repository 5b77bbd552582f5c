"""The project's notices, put together: what sends them, and what their links lead to."""

from __future__ import annotations

from dataclasses import dataclass

from freehold.gateway.project_service import ProjectService
from freehold.gateway.run_events import RunEvents
from freehold.notices.answers import Answers
from freehold.notices.links import Links
from freehold.notices.outbox import Outbox
from freehold.notices.sender import ChannelSender, Sender
from freehold.notices.tokens import key_in
from freehold.project.notices import Channel
from freehold.project.state import state_directory
from freehold.store.credentials import CredentialStore
from freehold.wire.keeper import AnswerPermission
from freehold.wire.runs import RunView


@dataclass(frozen=True)
class ProjectNotices:
    outbox: Outbox
    answers: Answers


def make_notices(
    service: ProjectService, run_events: RunEvents, credentials: CredentialStore, sender: Sender | None = None
) -> ProjectNotices:
    """The outbox is told of what the scheduler writes; it sends once its `run` is begun. Raises DISK, CONFIG."""
    key = key_in(state_directory(service.root))
    scheduler = service.scheduler

    def channels() -> tuple[str, dict[str, Channel], Links]:
        project = scheduler.agents.project
        return project.name, dict(project.config.notices), Links(project.config.gateway.url, key)

    async def answer(given: AnswerPermission) -> None:
        await run_events.answer(given.run_id, given.permission_id, given.option_id)

    def run_of(run_id: str) -> RunView | None:
        return scheduler.dispatcher.active.get(run_id)

    outbox = Outbox(service.database, service.clock, sender or ChannelSender(credentials, service.clock), channels)
    scheduler.notices.on_written = outbox.wake
    answers = Answers(key, service.database, service.clock, run_of, answer)
    return ProjectNotices(outbox, answers)

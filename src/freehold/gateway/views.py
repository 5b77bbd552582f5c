"""What the service knows, as the API tells it (`wire/service.py`)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from freehold import __version__
from freehold.base.clock import rfc3339
from freehold.base.errors import FreeholdError
from freehold.project.agent import Agent
from freehold.scheduler.scheduler import Scheduler
from freehold.store.triggers import StoredTrigger
from freehold.wire.runs import RunView
from freehold.wire.service import AgentView, ProjectStatus, TriggerView


def trigger_view(trigger: StoredTrigger) -> TriggerView:
    return TriggerView(
        id=trigger.id,
        agent=trigger.agent,
        type=trigger.type,
        source=trigger.source,
        state=trigger.state,
        priority=trigger.priority,
        created_at=rfc3339(trigger.created_at),
        not_before=rfc3339(trigger.not_before),
        attempts=trigger.attempts,
        run_id=trigger.run_id,
        result=trigger.result,
        reason=trigger.reason,
        ended_at=rfc3339(trigger.ended_at) if trigger.ended_at else None,
    )


def triggers_in_words(agent: Agent) -> list[str]:
    """What starts the agent by itself: `schedule 0 * * * * (Europe/Berlin)`, `github: issues opened`."""
    words = []
    if agent.schedule:
        words.append(f"schedule {agent.schedule}" + (f" ({agent.timezone})" if agent.timezone else ""))
    for webhook in agent.webhooks:
        filters = " ".join(value for values in webhook.filters.values() for value in values)
        words.append(f"{webhook.source}: {filters}" if filters else webhook.source)
    return words


def _doing(view: RunView) -> str:
    """What a run says of itself, or what it waits for."""
    return f"asks for permission: {view.waiting_for[0].title}" if view.waiting_for else view.status_text


class Views:
    """`latest` is each agent's latest run, kept up to date by whoever hears of runs."""

    def __init__(
        self, scheduler: Scheduler, started_at: datetime, more_problems: Callable[[], list[str]] = list
    ) -> None:
        self._scheduler = scheduler
        self._more_problems = more_problems
        self._started_at = started_at
        self.latest: dict[str, RunView] = {}
        self.dead_letters = 0

    def agent(self, name: str, now: datetime) -> AgentView:
        """Raises NOT_FOUND. A broken agent has a view, too."""
        agents, dispatcher = self._scheduler.agents, self._scheduler.dispatcher
        if name in agents.project.broken:
            return self._broken(name, agents.project.broken[name].as_error())
        agent = agents.agent(name)
        running = dispatcher.active_of(name)
        hold = agents.held(name, now)
        error = agents.errors.get(name) or (hold.error if hold else None)
        next_run, skipped = self._scheduler.timetable.next.get(name), self._scheduler.timetable.skipped.get(name)
        return AgentView(
            name=name,
            description=agent.description,
            state=self._state(agent, running, error),
            enabled=agents.switches.is_enabled(name),
            scale=agents.scale(agent),
            scale_configured=agent.scale,
            running=running,
            waiting=dispatcher.queues.length(name),
            triggers=triggers_in_words(agent),
            models=[model.name for model in agent.models],
            next_run_at=rfc3339(next_run) if next_run else None,
            skipped_at=rfc3339(skipped) if skipped else None,
            status_text=next((_doing(view) for view in dispatcher.active.values() if view.agent == name), ""),
            error=error.message if error else "",
            hint=error.hint if error else "",
            goes_on=name in agents.errors,
            held=dispatcher.held or agents.facts(name, running, now).held,
            last_run=self.latest.get(name),
        )

    def project(self, now: datetime) -> ProjectStatus:
        scheduler = self._scheduler
        agents, dispatcher = scheduler.agents, scheduler.dispatcher
        budget = agents.project.config.budget
        return ProjectStatus(
            name=agents.project.name,
            version=__version__,
            release=self.release,
            started_at=rfc3339(self._started_at),
            paused=agents.switches.paused,
            held=dispatcher.held,
            problems=self.problems(),
            running=dispatcher.under_way,
            waiting=len(dispatcher.queues),
            dead_letters=self.dead_letters,
            day_usd=dispatcher.spent.day_usd,
            month_usd=dispatcher.spent.month_usd,
            usd_per_day=budget.usd_per_day,
            usd_per_month=budget.usd_per_month,
            agents=[self.agent(name, now) for name in agents.project.agent_names],
        )

    def problems(self) -> list[str]:
        """What does not work, each in a sentence; `/health` is degraded while there is one."""
        agents, dispatcher = self._scheduler.agents, self._scheduler.dispatcher
        found = [dispatcher.keeper_problem] if dispatcher.keeper_problem else []
        if dispatcher.spent_problem:
            found.append(dispatcher.spent_problem)
        if agents.project_error:
            found.append(f"an edit is not taken over: {agents.project_error.message}")
        found += self._more_problems()
        broken = {name: problems.as_error() for name, problems in agents.project.broken.items()}
        return [*found, *(f"agent {name}: {error.message}" for name, error in {**broken, **agents.errors}.items())]

    @property
    def release(self) -> str:
        """The one that was looked at last, on a server."""
        return self._scheduler.agents.edition.release

    def refused(self) -> list[str]:
        """What of the project's files, as they are now, is not at work."""
        return self._scheduler.agents.edition.refused

    def _state(self, agent: Agent, running: int, error: FreeholdError | None) -> str:
        agents = self._scheduler.agents
        if running:
            return "running"
        if error:
            return "error"
        if not agents.switches.is_enabled(agent.name):
            return "disabled"
        return "off" if agents.scale(agent) == 0 else "idle"

    def _broken(self, name: str, error: FreeholdError) -> AgentView:
        return AgentView(
            name=name,
            description="",
            state="error",
            enabled=self._scheduler.agents.switches.is_enabled(name),
            scale=0,
            scale_configured=0,
            running=self._scheduler.dispatcher.active_of(name),
            waiting=self._scheduler.dispatcher.queues.length(name),
            triggers=[],
            error=error.message,
            hint=error.hint,
            last_run=self.latest.get(name),
        )

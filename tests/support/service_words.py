"""What a running project says, for tests of who asks it."""

from __future__ import annotations

from typing import Any

from freehold.wire.runs import Result, RunState, RunView, Trigger, TriggerType
from freehold.wire.service import AgentView, ProjectStatus, ReceiptView, TriggerView

RUN = "dev-01jd0000000000000000000001"
RECEIPT = ReceiptView(
    id="r1", source="hub", type="github", received_at="2026-11-21T09:00:00.000Z", status="unmatched", event="issues",
    summary="acme/shop #1", reason="labels: none",
)  # fmt: skip


def run_view(run_id: str = RUN, *, result: Result | None = Result.COMPLETED, agent: str = "dev") -> RunView:
    return RunView(
        run_id=run_id,
        agent=agent,
        attempt=1,
        trigger=Trigger(TriggerType.SCHEDULE, "0 * * * *", "t1"),
        state=RunState.FINISHED if result else RunState.RUNNING,
        queued_at="2026-11-21T09:00:00.000Z",
        started_at="2026-11-21T09:00:01.000Z",
        finished_at="2026-11-21T09:00:12.000Z" if result else None,
        result=result,
    )


def agent_view(name: str = "dev", *, state: str = "idle", error: str = "", running: int = 0) -> AgentView:
    return AgentView(
        name=name,
        description=f"What {name} does.",
        state=state,
        enabled=True,
        scale=2,
        scale_configured=1,
        running=running,
        waiting=3,
        triggers=["schedule 0 * * * *", "github: issues opened"],
        models=["sonnet"],
        next_run_at="2026-11-22T10:00:00.000Z",
        status_text="reading",
        error=error,
        hint="do this" if error else "",
        last_run=run_view(agent=name),
    )


def project_status(
    *agents: AgentView, paused: bool = False, held: str = "", problems: tuple[str, ...] = (), running: int = 1,
    **more: Any,
) -> ProjectStatus:  # fmt: skip
    return ProjectStatus(
        name="shop",
        version="1",
        started_at="2026-11-21T09:00:00.000Z",
        paused=paused,
        held=held,
        problems=list(problems),
        running=running,
        waiting=3,
        dead_letters=2,
        day_usd=1.2,
        month_usd=20.1,
        usd_per_day=5.0,
        usd_per_month=None,
        agents=list(agents),
        **more,
    )


def trigger_view(state: str = "waiting", *, run_id: str = "", reason: str = "") -> TriggerView:
    return TriggerView(
        id="t1",
        agent="dev",
        type="webhook",
        source="hub",
        state=state,
        priority=0,
        created_at="2026-11-21T09:00:00.000Z",
        not_before="2026-11-21T09:05:00.000Z",
        attempts=1,
        run_id=run_id,
        reason=reason,
        ended_at="2026-11-21T09:10:00.000Z" if state == "dead" else None,
    )

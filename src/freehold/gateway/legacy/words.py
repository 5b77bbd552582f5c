"""How the system before called things: runs were instances, errors `{"error"}`, times milliseconds or ISO."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.responses import Response

from freehold.base.errors import FreeholdError
from freehold.gateway.answers import as_json, status_of, with_error_headers
from freehold.gateway.throttle import ThrottledError
from freehold.store.triggers import StoredTrigger
from freehold.wire.runs import Result, RunView, TriggerType
from freehold.wire.service import AgentView, ReceiptView

_RESULTS = {Result.COMPLETED: "completed", Result.RERUN: "rerun"}
_STATUSES = {None: "running", Result.COMPLETED: "completed", Result.RERUN: "completed", Result.KILLED: "killed"}


def refuse(error: FreeholdError) -> Response:
    words = f"{error.message} {error.hint}".strip()
    retry_after_s = error.retry_after_s if isinstance(error, ThrottledError) else 5
    return with_error_headers(as_json({"error": words}, status_of(error)), retry_after_s)


def milliseconds(written: str | None) -> int | None:
    return None if written is None else int(datetime.fromisoformat(written).timestamp() * 1000)


def trigger_type(kind: str) -> str:
    return "agent" if kind == TriggerType.CALL else kind


def instance(view: RunView) -> dict[str, Any]:
    kind, source = trigger_type(view.trigger.type), view.trigger.source
    return {
        "id": view.run_id,
        "agentName": view.agent,
        "status": _STATUSES.get(view.result, "error"),
        "startedAt": view.started_at or view.queued_at,
        "trigger": f"{kind}:{source}" if source else kind,
    }


def agent(view: AgentView) -> dict[str, Any]:
    last = view.last_run
    return {
        "name": view.name,
        "description": view.description,
        "state": view.state if view.state in ("running", "error") else "idle",
        "enabled": view.enabled,
        "statusText": view.status_text or None,
        "lastError": view.error or (last.error.message if last and last.error else None),
        "lastRunAt": (last.started_at or last.queued_at) if last else None,
        "lastRunDuration": _duration_ms(last) if last else None,
        "nextRunAt": view.next_run_at,
        "queuedWebhooks": view.waiting,
        "scale": view.scale,
        "runningCount": view.running,
        "triggers": view.triggers,
    }


def run_row(view: RunView) -> dict[str, Any]:
    return {
        "ts": milliseconds(view.started_at or view.queued_at),
        "instanceId": view.run_id,
        "agentName": view.agent,
        "triggerType": trigger_type(view.trigger.type),
        "triggerSource": view.trigger.source or None,
        "result": _RESULTS.get(view.result, "error") if view.result else "running",
        "exitCode": view.exit_code,
        "durationMs": _duration_ms(view),
        "totalTokens": view.usage.tokens,
        "costUsd": view.cost_usd,
        "errorMessage": view.error.message if view.error else None,
    }


def trigger_row(trigger: StoredTrigger) -> dict[str, Any]:
    """What waits, or was given up: it has no instance yet, or none any more."""
    dead = trigger.state == "dead"
    return {
        "ts": int(trigger.created_at.timestamp() * 1000),
        "instanceId": trigger.run_id or None,
        "agentName": trigger.agent,
        "triggerType": trigger_type(trigger.type),
        "triggerSource": trigger.source or None,
        "result": "dead-letter" if dead else "pending",
        "deadLetterReason": trigger.reason if dead else None,
    }


def receipt(view: ReceiptView, headers: dict[str, str], body: str) -> dict[str, Any]:
    accepted = view.status == "accepted"
    return {
        "id": view.id,
        "deliveryId": view.delivery_id or None,
        "source": view.source,
        "eventSummary": view.summary,
        "timestamp": milliseconds(view.received_at),
        "headers": headers,
        "body": body,
        "matchedAgents": view.matched,
        "status": "processed" if accepted else "dead-letter",
        "deadLetterReason": None if accepted else "no_match",
    }


def _duration_ms(view: RunView) -> int | None:
    begun, ended = milliseconds(view.started_at or view.queued_at), milliseconds(view.finished_at)
    return ended - begun if begun is not None and ended is not None else None

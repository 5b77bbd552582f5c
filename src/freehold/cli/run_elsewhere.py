"""`freehold run AGENT -E ENVIRONMENT`: the run is asked of the project there, and watched from here."""

from __future__ import annotations

from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.cli.context import Context, environment_of
from freehold.cli.elsewhere import gateway_elsewhere
from freehold.cli.follow_trigger import follow_trigger
from freehold.client.gateway import in_path
from freehold.wire.service import TriggerAccepted, TriggerRequest


def run_elsewhere(
    context: Context, agent: str, prompt: str, *, detach: bool, verbose: bool, rehearse: bool, record: Path | None
) -> int | None:
    """The exit code of the command; None where the environment leads nowhere, and only lays its file over the
    configuration of the project here. Raises USAGE for what can only be done here."""
    gateway = gateway_elsewhere(context)
    if gateway is None:
        return None
    if rehearse or record:
        raise FreeholdError(
            Code.USAGE,
            f"the run would be on {environment_of(context)}, and is rehearsed and recorded only on this machine",
            f"freehold -E local run {agent} {'--rehearse' if rehearse else '--record FILE'}",
        )
    accepted = gateway.post(f"/agents/{in_path(agent)}/trigger", TriggerAccepted, TriggerRequest(prompt=prompt))
    return follow_trigger(context, gateway, accepted, detach=detach, verbose=verbose)

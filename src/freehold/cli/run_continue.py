"""`freehold run AGENT --continue RUN PROMPT`: a follow-up to a run that has ended."""

from __future__ import annotations

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import agent_of
from freehold.cli.context import Context
from freehold.cli.elsewhere import whole_run_id
from freehold.cli.follow_trigger import follow_trigger
from freehold.cli.gateway import gateway_of
from freehold.client.gateway import in_path
from freehold.wire.service import FollowUp, TriggerAccepted


def continue_run(context: Context, agent: str, run: str, prompt: str, *, detach: bool, verbose: bool) -> int:
    """Raises USAGE without a prompt, or for a run of another agent; UNREACHABLE when the project is not running."""
    if not prompt:
        raise FreeholdError(
            Code.USAGE, "there is nothing to say to the run", f'freehold run {agent} --continue {run} "..."'
        )
    gateway = gateway_of(context)
    run_id = whole_run_id(gateway, run)
    if agent_of(run_id) != agent:
        raise FreeholdError(
            Code.USAGE, f"{run_id} is a run of {agent_of(run_id)}, not of {agent}", "name its agent, or another run"
        )
    accepted = gateway.post(f"/runs/{in_path(run_id)}/continue", TriggerAccepted, FollowUp(prompt))
    return follow_trigger(context, gateway, accepted, detach=detach, verbose=verbose)

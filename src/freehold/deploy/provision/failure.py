"""What is said when the way to a server ends early: what was made, what it costs, and the two ways on (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from freehold.base.errors import FreeholdError
from freehold.deploy.provision.renting import server_id
from freehold.deploy.provision.step import Step
from freehold.deploy.provision.wish import EXISTING
from freehold.project.environments import Environment

_THINGS = {
    Step.KEY: "the SSH key",
    Step.FIREWALL: "the firewall",
    Step.CERTIFICATE: "the certificate",
    Step.SSL_MODE: "strict SSL",
    Step.DNS: "the DNS record",
}


def made_so_far(environment: Environment) -> list[str]:
    """What was made for it at providers by now, in the order in which it was made."""
    provision = environment.provision
    done = provision.done if provision else ()
    rented = bool(provision and provision.plan)
    made = [thing for step, thing in _THINGS.items() if step in done and (rented or step not in _OF_SERVERS)]
    if rented and Step.SERVER in done:
        made.insert(sum(step in done for step in _OF_SERVERS), f"the server (id {server_id(environment)})")
    return made


_LATER_HTTPS = ("env", "https")
_OF_SERVERS = (Step.KEY, Step.FIREWALL)


def ways_on(environment: Environment, doing: Step | None, again: Sequence[str]) -> list[str]:
    """Sentences for the end of an error, and for an interruption. `again` are the words of the command."""
    provision = environment.provision
    made = made_so_far(environment)
    lines = [f"Made so far: {', '.join(made)}."] if made else ["Nothing was made."]
    if provision and provision.price and Step.SERVER in provision.done:
        lines = [f"{lines[0][:-1]}; the server costs {provision.price} until it is taken down."]
    elif doing is Step.SERVER:
        lines.append("If the provider made the server all the same, the same command finds it.")
    lines.append(f"Go on: {' '.join(again)}")
    if tuple(again[1:3]) == _LATER_HTTPS:  # a teardown would take all of the server's project down
        return [*lines, "What serves there is as it was, until the next push."]
    # There a server was never logged in to, and a teardown could not ask it either.
    never_met = not made and provision and _is_of_ones_own(environment) and Step.LOGIN not in provision.done
    lines.append(f"Undo: freehold env {'remove' if never_met else 'deprov'} {environment.name}")
    return lines


def _is_of_ones_own(environment: Environment) -> bool:
    return environment.server is not None and environment.server.provider == EXISTING


def with_ways_on(error: FreeholdError, lines: Sequence[str]) -> FreeholdError:
    """The same failure, with what can be done now."""
    told = FreeholdError(error.code, error.message, "\n".join([*error.hint.splitlines(), *lines]))
    told.__cause__ = error
    return told

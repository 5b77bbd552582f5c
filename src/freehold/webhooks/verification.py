"""Whose a delivery is: the source in its path, and the secret that proves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.base.words import duration, one_of, plural
from freehold.project.webhooks import WebhookSource
from freehold.webhooks.delivery import Delivery
from freehold.webhooks.providers import scheme_of
from freehold.webhooks.schemes import Proof

UNSIGNED = "_unsigned"
"""Stands for the instance of the secret where none was needed; no instance can be called so."""


def sources_at(name: str, sources: Mapping[str, WebhookSource]) -> tuple[WebhookSource, ...]:
    """The source of that name, else all sources of the type of that name.

    Raises `NOT_FOUND` when there are none; its hint, which lists those that there are, is for the operator alone.
    """
    if name in sources:
        return (sources[name],)
    found = tuple(source for source in sources.values() if source.type == name)
    if not found:
        raise FreeholdError(
            Code.NOT_FOUND, f"there is no webhook source {name[:100]!r}", f"there are: {one_of(sources)}"
        )
    return found


def verified(
    sources: Sequence[WebhookSource], delivery: Delivery, secrets: Mapping[str, Secret], now: datetime
) -> tuple[WebhookSource, ...]:
    """Those of `sources` (at least one, all of one type) that the delivery is for: whose secret verifies it.

    Where no secret does, those that take unsigned ones. Raises as `verify` does when it is for none.
    """
    instances: dict[str, str] = {}
    refusals: list[FreeholdError] = []
    for source in sources:
        try:
            instances[source.name] = verify(source, delivery, secrets, now)
        except FreeholdError as refusal:
            refusals.append(refusal)
    if not instances:
        raise _all_of(refusals)
    signed = tuple(source for source in sources if instances.get(source.name, UNSIGNED) != UNSIGNED)
    return signed or tuple(source for source in sources if source.name in instances)


def verify(source: WebhookSource, delivery: Delivery, secrets: Mapping[str, Secret], now: datetime) -> str:
    """The instance of the secret that proves the delivery to be of `source`; `UNSIGNED` where it needs no proof.

    `secrets` are those of the type by instance; only the source's own are looked at, all of them, each in constant
    time. A source that takes unsigned deliveries takes those without a signature, and, while no secret of its is
    stored, every one. Raises `FreeholdError` (`DENIED`) whose words are for the log and the operator: the sender is
    told no more than that it was refused.
    """
    scheme = scheme_of(source)
    if scheme is None:
        return UNSIGNED
    own = {ref.ref.instance: secret for ref in source.secrets if (secret := secrets.get(ref.ref.instance))}
    if not delivery.header(*scheme.headers):
        if source.allow_unsigned:
            return UNSIGNED
        raise _refused(source, f"it has no signature ({' or '.join(scheme.headers)})", _hint(source))
    if not own:
        if source.allow_unsigned:
            return UNSIGNED
        raise _refused(source, "it cannot be checked, because no secret is stored", _hint(source))
    proofs = {name: proof for name, secret in own.items() if (proof := scheme.proof(delivery, secret)) is not None}
    if not proofs:
        raise _refused(
            source, f"its signature is by none of {plural(len(own), 'secret')} ({one_of(own)})", _hint(source)
        )
    reasons = {instance: _staleness(proof, now) for instance, proof in proofs.items()}
    for instance, reason in reasons.items():
        if not reason:
            return instance
    raise _refused(
        source, next(iter(reasons.values())), "compare this machine's clock; else somebody sent an old delivery again"
    )


def _staleness(proof: Proof, now: datetime) -> str:
    """Why a proof is too old, or from the future; empty when it is neither."""
    if proof.window_s is None:
        return ""
    if proof.sent_at is None:
        return "its signature is right, but it does not say when it was sent"
    age_s = now.timestamp() - proof.sent_at
    if abs(age_s) <= proof.window_s:
        return ""
    when = f"{duration(age_s)} ago" if age_s > 0 else f"{duration(-age_s)} from now"
    return f"it was sent {when}; {duration(proof.window_s)} are allowed"


def _refused(source: WebhookSource, why: str, hint: str) -> FreeholdError:
    return FreeholdError(Code.DENIED, f'webhook source "{source.name}": a delivery was refused: {why}', hint)


def _hint(source: WebhookSource) -> str:
    name = source.secret.ref if source.secret else ""
    return f"enter the same secret at the sender and here: freehold creds add {name}"


def _all_of(refusals: Sequence[FreeholdError]) -> FreeholdError:
    if len(refusals) == 1:
        return refusals[0]
    return FreeholdError(Code.DENIED, "; ".join(refusal.message for refusal in refusals), refusals[0].hint)

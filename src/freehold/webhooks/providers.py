"""The senders that there are: a row for each type of source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

from freehold.base.errors import FreeholdError
from freehold.project.webhooks import SenderHeaders, WebhookSource
from freehold.webhooks.delivery import Delivery
from freehold.webhooks.event import WebhookEvent
from freehold.webhooks.payload import Node, payload_of
from freehold.webhooks.readers.discord import read_discord
from freehold.webhooks.readers.forge import read_forge
from freehold.webhooks.readers.gitlab import read_gitlab
from freehold.webhooks.readers.linear import read_linear
from freehold.webhooks.readers.mintlify import read_mintlify
from freehold.webhooks.readers.plain import read_generic, read_test
from freehold.webhooks.readers.sentry import read_sentry
from freehold.webhooks.readers.slack import read_slack
from freehold.webhooks.readers.twitter import read_twitter
from freehold.webhooks.schemes import REPLAY_WINDOW_S, Content, Either, Hmac, Scheme, Token, moment, standard_webhooks

LINEAR_WINDOW_S = 60.0
"""Linear's own figure (its SDK's webhook client, at the commit that tests/data/webhooks names)."""


@dataclass(frozen=True)
class Provider:
    """`read` is given what one of the `event_headers` says, and the payload.

    `scheme` makes the scheme when it is asked for; None where nothing is signed. `delivery_headers` hold what is the
    same when a delivery is sent again. Those headers are kept with a receipt, and `kept` too. `plain_forms`: a form
    needs no field `payload`.
    """

    read: Callable[[str, Node], WebhookEvent]
    scheme: Callable[[], Scheme] | None
    event_headers: tuple[str, ...] = ()
    delivery_headers: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    plain_forms: bool = False

    @cached_property
    def stored(self) -> tuple[str, ...]:
        """The headers that a receipt keeps, those of this sender."""
        return (*self.event_headers, *self.delivery_headers, *self.kept)


def provider_of(source: WebhookSource) -> Provider:
    return _generic(source.headers) if source.type == "generic" else _PROVIDERS[source.type]


def scheme_of(source: WebhookSource) -> Scheme | None:
    """How the source's deliveries are signed; None where they are not."""
    make = provider_of(source).scheme
    return make() if make else None


def _generic(headers: SenderHeaders) -> Provider:
    return Provider(
        read_generic,
        partial(_generic_scheme, headers),
        event_headers=(headers.event,) if headers.event else (),
        delivery_headers=(headers.delivery,) if headers.delivery else ("webhook-id",),
        plain_forms=True,
    )


def _generic_scheme(headers: SenderHeaders) -> Scheme:
    """As GitHub signs, in the header that the sender uses; or Standard Webhooks, where it is called as there."""
    if headers.signature == "webhook-signature":
        return standard_webhooks()
    if not headers.timestamp:
        return Hmac((headers.signature,), prefix="sha256=", optional=True)
    return Hmac(
        (headers.signature,),
        prefix="sha256=",
        optional=True,
        content=Content(headers=(headers.timestamp,), joint="."),
        timestamp=headers.timestamp,
        window_s=REPLAY_WINDOW_S,
    )


def _ed25519() -> Scheme:
    # Here, because it loads OpenSSL, which only Discord needs.
    from freehold.webhooks.ed25519 import Ed25519

    return Ed25519()


def _linear_moment(delivery: Delivery) -> float | None:
    """When it was sent: `webhookTimestamp` in the body, in milliseconds; a header only where the body has none."""
    try:
        written = payload_of(delivery)["webhookTimestamp"].number
    except FreeholdError:
        return None
    if written is not None:
        return written / 1000
    found = moment(delivery.header("linear-timestamp"))
    return None if found is None else found / 1000


_SLACK = Hmac(
    ("x-slack-signature",),
    prefix="v0=",
    content=Content("v0", ("x-slack-request-timestamp",), ":"),
    timestamp="x-slack-request-timestamp",
    window_s=REPLAY_WINDOW_S,
)
_LINEAR = Hmac(("linear-signature",), body_moment=_linear_moment, window_s=LINEAR_WINDOW_S)
_GITLAB = Either(standard_webhooks(), Token(("x-gitlab-token",)))
_GITEA = Either(Hmac(("x-gitea-signature",)), Hmac(("x-hub-signature-256",), prefix="sha256="))
_FORGEJO = Either(Hmac(("x-forgejo-signature", "x-gitea-signature")), Hmac(("x-hub-signature-256",), prefix="sha256="))


def _by_payload(read: Callable[[Node], WebhookEvent]) -> Callable[[str, Node], WebhookEvent]:
    return lambda _, payload: read(payload)


def _always(scheme: Scheme) -> Callable[[], Scheme]:
    return lambda: scheme


_PROVIDERS: dict[str, Provider] = {
    "github": Provider(
        read_forge,
        _always(Hmac(("x-hub-signature-256",), prefix="sha256=")),
        event_headers=("x-github-event",),
        delivery_headers=("x-github-delivery",),
        kept=("x-github-hook-id", "x-github-hook-installation-target-id", "x-github-hook-installation-target-type"),
    ),
    "gitlab": Provider(
        _by_payload(read_gitlab),
        _always(_GITLAB),
        event_headers=("x-gitlab-event",),
        # Not X-Gitlab-Event-UUID: every delivery that a delivery leads to has the same one.
        delivery_headers=("webhook-id", "idempotency-key"),
        kept=("x-gitlab-instance", "x-gitlab-webhook-uuid"),
    ),
    "gitea": Provider(
        read_forge,
        _always(_GITEA),
        event_headers=("x-gitea-event", "x-gogs-event"),
        delivery_headers=("x-gitea-delivery", "x-gogs-delivery"),
        kept=("x-gitea-event-type",),
    ),
    "forgejo": Provider(
        read_forge,
        _always(_FORGEJO),
        event_headers=("x-forgejo-event", "x-gitea-event", "x-gogs-event"),
        delivery_headers=("x-forgejo-delivery", "x-gitea-delivery", "x-gogs-delivery"),
        kept=("x-forgejo-event-type", "x-gitea-event-type"),
    ),
    "sentry": Provider(
        read_sentry,
        _always(Hmac(("sentry-hook-signature",))),
        event_headers=("sentry-hook-resource",),
        delivery_headers=("request-id",),
        kept=("sentry-hook-timestamp",),
    ),
    "linear": Provider(
        _by_payload(read_linear),
        _always(_LINEAR),
        delivery_headers=("linear-delivery",),
        kept=("linear-event", "linear-timestamp"),
    ),
    "slack": Provider(
        _by_payload(read_slack), _always(_SLACK), kept=("x-slack-retry-num", "x-slack-retry-reason"), plain_forms=True
    ),
    "mintlify": Provider(_by_payload(read_mintlify), _always(Hmac(("x-mintlify-signature", "mintlify-signature")))),
    "discord": Provider(_by_payload(read_discord), _ed25519),
    "twitter": Provider(
        _by_payload(read_twitter), _always(Hmac(("x-twitter-webhooks-signature",), prefix="sha256=", in_base64=True))
    ),
    "test": Provider(_by_payload(read_test), None, delivery_headers=("x-test-delivery",)),
}

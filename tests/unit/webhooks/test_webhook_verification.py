"""Whose a delivery is: sources by name and by type, rotation, old deliveries, and those without a signature."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.project.credential import is_safe_name
from freehold.project.webhook_types import SOURCE_TYPES
from freehold.project.webhooks import SenderHeaders, WebhookSource
from freehold.webhooks.delivery import Delivery
from freehold.webhooks.ed25519 import signed_by
from freehold.webhooks.simulation import simulated
from freehold.webhooks.verification import UNSIGNED, sources_at, verified, verify
from tests.support.webhooks import NOW, SECRET, delivery, source

OLD, NEW, OTHER = Secret("the old secret"), Secret("the new secret"), Secret("the other secret")
SECRETS = {"default": SECRET, "old": OLD, "new": NEW, "other": OTHER}
BODY = b'{"action": "opened"}'
PRIVATE = bytes(range(32))
PUBLIC = Secret("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")


def sent(kind: str, secret: Secret | None, headers: Mapping[str, str] | None = None) -> Delivery:
    return simulated(source(kind), BODY, now=NOW, delivery_id="1", event="issues", secret=secret, headers=headers)


def refusal_of(it: WebhookSource, made: Delivery, secrets: Mapping[str, Secret]) -> FreeholdError:
    with pytest.raises(FreeholdError) as caught:
        verify(it, made, secrets, NOW)
    assert caught.value.code is Code.DENIED
    assert not any(
        secret.reveal() in f"{caught.value.message}{caught.value.hint}" for secret in secrets.values() if secret
    )
    return caught.value


def test_while_a_secret_is_changed_both_verify() -> None:
    it = source("github", instance="new", previous="old")
    assert verify(it, sent("github", NEW), SECRETS, NOW) == "new"
    assert verify(it, sent("github", OLD), SECRETS, NOW) == "old"
    assert "by none of 2 secrets (new, old)" in refusal_of(it, sent("github", OTHER), SECRETS).message


def test_secrets_of_others_do_not_verify() -> None:
    error = refusal_of(source("github", instance="new"), sent("github", OTHER), SECRETS)
    assert error.message == (
        'webhook source "my-github": a delivery was refused: its signature is by none of 1 secret (new)'
    )
    assert error.hint == "enter the same secret at the sender and here: freehold creds add github_webhook_secret:new"


def test_without_a_signature_or_a_secret_the_operator_is_told_which() -> None:
    assert (
        "it has no signature (x-hub-signature-256)"
        in refusal_of(source("github"), sent("github", None), SECRETS).message
    )
    assert "no secret is stored" in refusal_of(source("github"), sent("github", SECRET), {}).message


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_signature_is_none(empty: str) -> None:
    made = delivery(BODY, {"x-hub-signature-256": empty})
    assert "no signature" in refusal_of(source("github"), made, SECRETS).message


@pytest.mark.parametrize("kind", ["github", "gitlab", "slack"])
def test_an_empty_secret_verifies_nothing(kind: str) -> None:
    made = sent(kind, Secret("x"))
    forged = sent(
        kind, None, {"x-gitlab-token": "", "x-hub-signature-256": "sha256=" + "0" * 64, "x-slack-signature": "v0="}
    )
    for each in (made, forged):
        assert refusal_of(source(kind), each, {"default": Secret("")})


class TestUnsigned:
    def test_a_source_that_says_so_takes_deliveries_without_a_signature(self) -> None:
        it = source("github", allow_unsigned=True)
        assert verify(it, sent("github", None), {}, NOW) == UNSIGNED
        assert verify(it, sent("github", None), SECRETS, NOW) == UNSIGNED

    def test_whatever_it_is_called(self) -> None:
        for name in ("github", "my-github", "x"):
            assert verify(source("github", name, allow_unsigned=True), sent("github", None), {}, NOW) == UNSIGNED

    def test_a_signature_is_still_checked_where_it_can_be(self) -> None:
        it = source("github", allow_unsigned=True)
        assert verify(it, sent("github", SECRET), SECRETS, NOW) == "default"
        assert "by none of 1 secret" in refusal_of(it, sent("github", OTHER), SECRETS).message

    def test_a_signature_that_cannot_be_checked_is_none(self) -> None:
        assert verify(source("github", allow_unsigned=True), sent("github", SECRET), {}, NOW) == UNSIGNED

    def test_a_source_for_tests_takes_everything(self) -> None:
        assert verify(source("test"), delivery(BODY), {}, NOW) == UNSIGNED

    def test_no_instance_can_be_called_so(self) -> None:
        assert not is_safe_name(UNSIGNED)

    @pytest.mark.parametrize("kind", sorted(SOURCE_TYPES))
    def test_of_every_type(self, kind: str) -> None:
        assert verify(source(kind, allow_unsigned=True), delivery(BODY), {}, NOW) == UNSIGNED


WINDOWS = [("slack", 300), ("linear", 60), ("generic", 300)]
STAMPED = SenderHeaders("x-signature", timestamp="x-time")


class TestAge:
    @pytest.mark.parametrize(("kind", "window_s"), WINDOWS)
    @pytest.mark.parametrize("direction", [1, -1])
    def test_what_is_too_old_or_from_the_future_is_refused(self, kind: str, window_s: int, direction: int) -> None:
        it = source(kind, headers=STAMPED)
        made = simulated(it, BODY, now=NOW, delivery_id="1", secret=SECRET)
        border = NOW + timedelta(seconds=direction * window_s)
        assert verify(it, made, SECRETS, border) == "default"
        with pytest.raises(FreeholdError) as caught:
            verify(it, made, SECRETS, border + timedelta(seconds=direction))
        assert ("ago" if direction > 0 else "from now") in caught.value.message

    def test_discord(self) -> None:
        made = delivery(BODY, signed_by(PRIVATE, BODY, NOW))
        assert verify(source("discord"), made, {"default": PUBLIC}, NOW) == "default"
        with pytest.raises(FreeholdError, match=r"it was sent 5 min 01 s ago; 5 min 00 s are allowed"):
            verify(source("discord"), made, {"default": PUBLIC}, NOW + timedelta(seconds=301))

    def test_gitlab_where_it_signs(self) -> None:
        made = sent("gitlab", SECRET)
        with pytest.raises(FreeholdError, match="it was sent"):
            verify(source("gitlab"), made, SECRETS, NOW + timedelta(hours=1))

    def test_a_moment_that_is_not_signed_does_not_count(self) -> None:
        made = simulated(source("linear"), BODY, now=NOW, delivery_id="1", secret=SECRET)
        later = Delivery(made.source, {**made.headers, "linear-timestamp": "1769174000000"}, made.body, NOW)
        with pytest.raises(FreeholdError, match="it was sent"):
            verify(source("linear"), later, SECRETS, NOW + timedelta(minutes=20))

    @pytest.mark.parametrize(
        "body", [b"{}", b"[]", b"no json", b'{"webhookTimestamp": "soon"}', b'{"webhookTimestamp": 1e300}']
    )
    def test_without_any_moment_it_is_refused(self, body: bytes) -> None:
        signed = simulated(source("sentry"), body, now=NOW, delivery_id="1", event="x", secret=SECRET)
        made = delivery(body, {"linear-signature": signed.headers["sentry-hook-signature"]})
        with pytest.raises(FreeholdError, match="does not say when it was sent"):
            verify(source("linear"), made, SECRETS, NOW)

    def test_an_old_secret_does_not_make_an_old_delivery_new(self) -> None:
        it = source("slack", instance="new", previous="old")
        made = simulated(it, BODY, now=NOW, delivery_id="1", secret=OLD)
        with pytest.raises(FreeholdError, match="ago"):
            verify(it, made, SECRETS, NOW + timedelta(hours=1))

    def test_a_clock_before_time_began_is_no_excuse(self) -> None:
        made = sent("slack", SECRET)
        with pytest.raises(FreeholdError, match="from now"):
            verify(source("slack"), made, SECRETS, NOW.replace(year=1))


class TestChoice:
    ALL = {it.name: it for it in (
        source("github", "one", instance="default"), source("github", "two", instance="other"),
        source("github", "three", instance="other"), source("github", "open", instance="new", allow_unsigned=True),
        source("linear", "sentry"), source("sentry", "errors"),
    )}  # fmt: skip

    def test_a_name_is_a_source_and_a_type_is_all_of_it(self) -> None:
        assert [it.name for it in sources_at("two", self.ALL)] == ["two"]
        assert [it.name for it in sources_at("github", self.ALL)] == ["one", "two", "three", "open"]
        assert [it.type for it in sources_at("sentry", self.ALL)] == ["linear"]

    @pytest.mark.parametrize("name", ["", "gitlab", "../one", "x" * 10_000])
    def test_what_is_neither_is_not_found(self, name: str) -> None:
        with pytest.raises(FreeholdError) as caught:
            sources_at(name, self.ALL)
        assert caught.value.code is Code.NOT_FOUND
        assert caught.value.hint == "there are: errors, one, open, sentry, three, two"
        assert len(caught.value.message) < 200

    @pytest.mark.parametrize(
        ("secret", "names"),
        [(SECRET, ["one"]), (OTHER, ["two", "three"]), (NEW, ["open"]), (None, ["open"])],
    )
    def test_of_a_type_the_secret_chooses(self, secret: Secret | None, names: list[str]) -> None:
        of_type = sources_at("github", self.ALL)
        assert [it.name for it in verified(of_type, sent("github", secret), SECRETS, NOW)] == names

    def test_when_it_is_for_none_all_reasons_are_told(self) -> None:
        with pytest.raises(FreeholdError) as caught:
            verified(sources_at("github", self.ALL), sent("github", OLD), SECRETS, NOW)
        assert caught.value.code is Code.DENIED
        assert all(f'"{name}"' in caught.value.message for name in ("one", "two", "three", "open"))

    def test_one_that_is_open_does_not_take_what_another_one_proved(self) -> None:
        # Without a stored secret, "open" takes everything; but this delivery says for whom it is.
        known = {"default": SECRET, "other": OTHER}
        assert [it.name for it in verified(sources_at("github", self.ALL), sent("github", SECRET), known, NOW)] == [
            "one"
        ]
        assert [it.name for it in verified(sources_at("github", self.ALL), sent("github", OLD), known, NOW)] == ["open"]

    def test_sources_for_tests_all_take_it(self) -> None:
        some = (source("test", "a"), source("test", "b"))
        assert verified(some, delivery(BODY), {}, NOW) == some

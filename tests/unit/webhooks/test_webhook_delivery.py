"""A request as it came."""

from __future__ import annotations

from freehold.webhooks.delivery import Delivery
from tests.support.webhooks import NOW


def test_names_of_headers_are_lower_case_and_a_second_one_is_joined() -> None:
    it = Delivery.of("gh", [("X-Event", "push"), ("x-signature", "one"), ("X-Signature", "two")], b"", NOW)
    assert it.headers == {"x-event": "push", "x-signature": "one, two"}


def test_of_a_query_parameter_the_first_counts() -> None:
    it = Delivery.of("x", [], b"", NOW, [("crc_token", "a"), ("crc_token", "b")])
    assert it.query == {"crc_token": "a"}


def test_the_first_header_that_says_something() -> None:
    it = Delivery.of("x", [("a", "  "), ("b", " yes ")], b"", NOW)
    assert (it.header("a", "b"), it.header("a"), it.header()) == ("yes", "", "")


def test_nothing_that_was_sent_is_shown_in_passing() -> None:
    it = Delivery.of("x", [("x-gitlab-token", "canary")], b"canary", NOW, [("token", "canary")])
    assert "canary" not in repr(it)

"""The strict servers are strict: what a provider would refuse, or never say, is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import api_contract
from tests.support.cloudflare_contract import CLOUDFLARE
from tests.support.hetzner_contract import HETZNER
from tests.support.strict_api import Asked
from tests.support.strict_hetzner import StrictHetzner
from tests.support.vultr_contract import VULTR

OWNERS = pytest.mark.skipif(
    not api_contract.SPECS.exists(), reason="the owners' documents are not beside the repository"
)


@pytest.fixture
def hetzner() -> Iterator[StrictHetzner]:
    api = StrictHetzner()
    yield api
    api.close()


@pytest.mark.parametrize(
    ("contract", "method", "path", "query", "body"),
    [
        (HETZNER, "GET", "/datacenters", {}, None),
        (HETZNER, "GET", "/servers", {"page_size": ["5"]}, None),
        (HETZNER, "POST", "/servers", {}, {"name": "x"}),
        (HETZNER, "POST", "/ssh_keys", {}, {"name": "x", "public_key": "y", "labels": {}, "more": 1}),
        (HETZNER, "DELETE", "/servers/1", {}, {}),
        (VULTR, "GET", "/plans", {"page": ["2"]}, None),
        (VULTR, "POST", "/instances", {}, {"region": "fra", "plan": "x"}),
        (VULTR, "POST", "/firewalls", {}, None),
        (CLOUDFLARE, "PATCH", "/zones/1/settings/ssl", {}, {"value": "very"}),
        (CLOUDFLARE, "POST", "/certificates", {}, {"csr": "x"}),
    ],
)
def test_what_an_api_does_not_take_is_a_violation(
    contract: Any, method: str, path: str, query: dict[str, list[str]], body: Any
) -> None:
    assert contract.problems_of_request(method, path, query, body)


@OWNERS
def test_owners_words_count_beside_ours(hetzner: StrictHetzner) -> None:
    answer = hetzner._routed(Asked("GET", "/locations", {}, None))
    assert HETZNER.problems_of_answer("GET", "/locations", 200, answer.body) == []
    del answer.body["locations"][0]["network_zone"]  # ours does not look at it
    problems = HETZNER.problems_of_answer("GET", "/locations", 200, answer.body)
    assert problems
    assert all(problem.startswith("owner's") for problem in problems)


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, {"locations": [{"name": "fsn1"}]}), (201, {}), (404, {"error": "plain"}), (500, None)],
)
def test_what_an_api_never_says_is_a_violation(status: int, body: Any) -> None:
    assert HETZNER.problems_of_answer("GET", "/locations", status, body)


def test_wrong_tokens_get_no_answer(hetzner: StrictHetzner) -> None:
    answer, _ = hetzner.handle("GET", "/v1/locations", {"authorization": "Bearer another"}, b"")
    assert answer is not None
    assert answer.status == 401

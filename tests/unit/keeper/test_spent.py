from __future__ import annotations

from freehold.keeper.spent import Spent
from freehold.wire.events import ModelRequest
from freehold.wire.runs import ModelUse, Usage

ONE = Usage(100, 10, 0, 0, 1, 1)


def request(model: str, cost_usd: float | None, usage: Usage = ONE) -> ModelRequest:
    return ModelRequest(
        model=model, provider="p", wire_format="chat", status=200, usage=usage, cost_usd=cost_usd, first_byte_s=None,
        duration_s=1.0,
    )  # fmt: skip


def test_requests_add_up_together_and_by_model() -> None:
    spent = Spent()
    shown = spent.models
    for one in (request("a", 0.1), request("b", 0.2), request("a", 0.1)):
        spent.add(one)
    assert (spent.usage, spent.cost_usd) == (ONE + ONE + ONE, 0.4)
    assert spent.models == {"a": ModelUse(ONE + ONE, 0.2), "b": ModelUse(ONE, 0.2)}
    assert shown == {}


def test_one_model_without_a_price_leaves_the_other_its_own() -> None:
    spent = Spent()
    spent.add(request("mine", None))
    spent.add(request("a", 0.1))
    assert spent.cost_usd is None
    assert spent.models == {"mine": ModelUse(ONE, None), "a": ModelUse(ONE, 0.1)}


def test_a_request_that_used_nothing_leaves_the_cost_known() -> None:
    spent = Spent()
    spent.add(request("mine", None, Usage(requests=1)))
    assert spent.cost_usd == 0.0

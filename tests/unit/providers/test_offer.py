from __future__ import annotations

from decimal import Decimal

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.providers.fake_provider import SMALL_CATALOGUE as SHOP
from freehold.providers.offer import Architecture, Price


def test_plans_are_listed_by_their_lowest_price() -> None:
    assert [plan.name for plan in SHOP.cheapest_first] == ["arm", "small", "large"]
    assert SHOP.plan("small").price.month == Decimal("4.51")


def test_price_is_told_by_month_and_hour() -> None:
    price = Price(Decimal("4.7481"), Decimal("0.00760913461"), "EUR", includes_tax=True)
    assert str(price) == "4.75 EUR a month (0.0076 an hour)"


def test_regions_are_those_that_sell_the_plan_by_city() -> None:
    assert [region.name for region in SHOP.regions_of("small")] == ["south", "north"]
    assert [region.name for region in SHOP.regions_of("large")] == ["north"]
    assert SHOP.regions_of("nothing") == []


def test_debian_12_is_offered_first_and_only_what_the_processor_runs() -> None:
    assert [image.id for image in SHOP.images_for(SHOP.plan("small"))] == ["1", "2", "3"]
    arm = SHOP.images_for(SHOP.plan("arm"))
    assert [(image.id, image.architecture) for image in arm] == [("4", Architecture.ARM)]


@pytest.mark.parametrize(
    ("plan", "region", "message", "hint"),
    [
        ("large", "south", "plan large is not sold in south now", "It is sold in: north."),
        ("lage", "north", 'no plan "lage" (did you mean "large"?)', "There are: arm, large, small."),
        ("small", "west", 'no region "west"', "There are: north, south."),
    ],
)
def test_what_is_not_sold_is_told_with_what_is(plan: str, region: str, message: str, hint: str) -> None:
    with pytest.raises(FreeholdError) as caught:
        SHOP.require_sold(plan, region)
    assert caught.value.code is Code.NOT_FOUND
    assert caught.value.message.startswith(message)
    assert caught.value.hint == hint

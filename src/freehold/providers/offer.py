"""What a provider sells: plans with prices, the regions that have them, images; and what fits what (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import did_you_mean, one_of

SUPPORTED_IMAGES = (("debian", "12"), ("debian", "13"), ("ubuntu", "24.04"))
"""Distributions that Freehold sets up, the default first."""


_Named = TypeVar("_Named", "Plan", "Region")


class Architecture(StrEnum):
    X86 = "x86"
    ARM = "arm"


@dataclass(frozen=True)
class Price:
    """`currency` is an ISO 4217 code. With tax where the provider tells the account's rate (`includes_tax`)."""

    month: Decimal
    hour: Decimal
    currency: str
    includes_tax: bool = False

    def __str__(self) -> str:
        """`4.51 EUR a month (0.0072 an hour)`."""
        return f"{self.month:.2f} {self.currency} a month ({self.hour:.4f} an hour)"


@dataclass(frozen=True)
class Plan:
    """A size of server. `prices` by region, and it is sold in no other; each includes one IPv4 address."""

    name: str
    vcpu: int
    memory_mb: int
    disk_gb: int
    architecture: Architecture
    prices: Mapping[str, Price]
    description: str = ""

    @property
    def price(self) -> Price:
        """The lowest of its prices."""
        return min(self.prices.values(), key=lambda price: price.month)


@dataclass(frozen=True)
class Region:
    """`plans` are the names of those sold here now."""

    name: str
    city: str
    country: str
    plans: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Image:
    """`id` is what the provider is told; `distribution` and `version` are as in `/etc/os-release`."""

    id: str
    name: str
    distribution: str
    version: str
    architecture: Architecture

    @property
    def supported(self) -> bool:
        return (self.distribution, self.version) in SUPPORTED_IMAGES


@dataclass(frozen=True)
class Catalogue:
    """Everything that can be chosen. Plans without a region, and retired ones, are not in it."""

    plans: tuple[Plan, ...] = ()
    regions: tuple[Region, ...] = ()
    images: tuple[Image, ...] = field(default=())

    @property
    def cheapest_first(self) -> list[Plan]:
        return sorted(self.plans, key=lambda plan: (plan.price.month, plan.name))

    def plan(self, name: str) -> Plan:
        """Raises NOT_FOUND, with the names that there are."""
        return _named(self.plans, name, "plan")

    def region(self, name: str) -> Region:
        """Raises NOT_FOUND, with the names that there are."""
        return _named(self.regions, name, "region")

    def regions_of(self, plan: str) -> list[Region]:
        """Those that sell the plan, by city."""
        return sorted((region for region in self.regions if plan in region.plans), key=lambda region: region.city)

    def images_for(self, plan: Plan) -> list[Image]:
        """Those that Freehold sets up and the plan's processor runs, in the order of `SUPPORTED_IMAGES`."""
        fitting = (image for image in self.images if image.supported and image.architecture is plan.architecture)
        return sorted(fitting, key=lambda image: SUPPORTED_IMAGES.index((image.distribution, image.version)))

    def require_sold(self, plan: str, region: str) -> Price:
        """What the plan costs there. Raises NOT_FOUND for names that are unknown, and for a plan not sold there."""
        wanted, place = self.plan(plan), self.region(region)
        if plan not in place.plans or region not in wanted.prices:
            elsewhere = one_of(there.name for there in self.regions_of(plan))
            raise FreeholdError(
                Code.NOT_FOUND, f"plan {plan} is not sold in {region} now", f"It is sold in: {elsewhere}."
            )
        return wanted.prices[region]


def _named(things: Iterable[_Named], name: str, noun: str) -> _Named:
    known = {thing.name: thing for thing in things}
    if name in known:
        return known[name]
    suggestion = did_you_mean(name, known)
    raise FreeholdError(
        Code.NOT_FOUND, " ".join(filter(None, (f'no {noun} "{name}"', suggestion))), f"There are: {one_of(known)}."
    )

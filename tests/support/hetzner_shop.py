"""What the strict Hetzner sells: a few types in three locations, in the shapes of its API, at prices of our own."""

from __future__ import annotations

from typing import Any

CREATED = "2026-11-01T08:00:00Z"
_PLACES = (
    ("fsn1", "Falkenstein", "DE", "eu-central"),
    ("hel1", "Helsinki", "FI", "eu-central"),
    ("ash", "Ashburn", "US", "us-east"),
)
_TYPES = (
    # name, cores, memory, disk, architecture, monthly net, where
    ("cx23", 2, 4, 40, "x86", "3.49", ("fsn1", "hel1")),
    ("cpx22", 2, 4, 80, "x86", "5.99", ("fsn1", "hel1", "ash")),
    ("cax11", 2, 4, 40, "arm", "3.79", ("fsn1", "hel1")),
    ("cpx52", 12, 24, 480, "x86", "36.49", ("fsn1",)),
    ("cx11", 1, 2, 20, "x86", "2.99", ("fsn1",)),
)
RETIRED = "cx11"
_IMAGES = (
    ("debian-12", "debian", "12"),
    ("debian-13", "debian", "13"),
    ("ubuntu-24.04", "ubuntu", "24.04"),
    ("ubuntu-22.04", "ubuntu", "22.04"),
    ("fedora-43", "fedora", "43"),
    ("rocky-10", "rocky", "10"),
)
DEPRECATION = {"announced": "2024-06-06T00:00:00Z", "unavailable_after": "2024-09-06T00:00:00Z"}


def amount(net: str, factor: float = 1.0) -> dict[str, str]:
    value = float(net) * factor
    return {"net": f"{value:.10f}", "gross": f"{value * 1.19:.16f}"}


def _price(location: str, net: str) -> dict[str, Any]:
    return {"location": location, "price_hourly": amount(net, 1 / 624), "price_monthly": amount(net)}


def locations() -> list[dict[str, Any]]:
    return [
        {
            "id": number,
            "name": name,
            "description": f"{city} DC Park 1",
            "city": city,
            "country": country,
            "latitude": 50.4,
            "longitude": 12.3,
            "network_zone": zone,
        }
        for number, (name, city, country, zone) in enumerate(_PLACES, 1)
    ]


def server_types(sold_out: set[tuple[str, str]]) -> list[dict[str, Any]]:
    return [_server_type(number, one, sold_out) for number, one in enumerate(_TYPES, 100)]


def _server_type(number: int, one: tuple[Any, ...], sold_out: set[tuple[str, str]]) -> dict[str, Any]:
    name, cores, memory, disk, architecture, net, places = one
    retired = name == RETIRED
    traffic = {"included_traffic": 21990232555520, "price_per_tb_traffic": amount("1.00")}
    where = [
        {
            "id": index,
            "name": place,
            "deprecation": DEPRECATION if retired else None,
            "recommended": False,
            "available": (name, place) not in sold_out,
        }
        for index, place in enumerate(places, 1)
    ]
    return {
        "id": number,
        "name": name,
        "description": name.upper(),
        "cores": cores,
        "memory": memory,
        "disk": disk,
        "deprecated": retired,
        "deprecation": DEPRECATION if retired else None,
        "prices": [{**_price(place, net), **traffic} for place in places],
        "storage_type": "local",
        "cpu_type": "shared",
        "category": "Shared vCPU",
        "architecture": architecture,
        "locations": where,
    }


def images() -> list[dict[str, Any]]:
    kinds = [(*one, architecture) for one in _IMAGES for architecture in ("x86", "arm")]
    return [_image(number, *one) for number, one in enumerate(kinds, 1000)]


def _image(number: int, name: str, flavor: str, version: str, architecture: str) -> dict[str, Any]:
    old = version == "22.04"
    return {
        "id": number,
        "type": "system",
        "status": "available",
        "name": name,
        "description": f"{flavor.title()} {version}",
        "image_size": None,
        "disk_size": 10,
        "created": CREATED,
        "created_from": None,
        "bound_to": None,
        "os_flavor": flavor,
        "os_version": version,
        "rapid_deploy": True,
        "protection": {"delete": False},
        "deprecated": CREATED if old else None,
        "deleted": None,
        "labels": {},
        "architecture": architecture,
    }


def pricing() -> dict[str, Any]:
    per_gb = {"price_per_gb_month": amount("0.05")}
    places = [place for place, *_ in _PLACES]
    addresses = [
        {"type": kind, "prices": [_price(place, net) for place in places]}
        for kind, net in (("ipv4", "0.50"), ("ipv6", "0.00"))
    ]
    return {
        "currency": "EUR",
        "vat_rate": "19.00",
        "primary_ips": addresses,
        "floating_ips": [],
        "floating_ip": {"price_monthly": amount("3.00")},
        "traffic": {"price_per_tb": amount("1.00")},
        "image": per_gb,
        "volume": per_gb,
        "server_backup": {"percentage": "20.00"},
        "server_types": [],
        "load_balancer_types": [],
    }

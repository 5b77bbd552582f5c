"""Fragments of an edge: what one may say, and which ones can live together."""

from __future__ import annotations

from typing import Any

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.edge.fragment import Fragment, read_fragments, require_apart, written

FULL = Fragment(
    project="shop", port=8080, hosts=("shop.example.com",), certificate="/etc/freehold/tls/shop.pem", cloudflare=True,
    networks=("198.51.100.0/24", "2001:db8::/32"), only_cloudflare=True, hsts=True,
)  # fmt: skip


@pytest.mark.parametrize("fragment", [FULL, Fragment(project="a-b-2", port=1)])
def test_what_is_written_is_read_again(fragment: Fragment) -> None:
    assert read_fragments({f"{fragment.project}.json": written(fragment)}) == (fragment,)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"project": "Shop"}, "no project's name"),
        ({"project": "a\n    bind :22"}, "no project's name"),
        ({"project": ""}, "no project's name"),
        ({"port": 0}, "no port"),
        ({"port": 65536}, "no port"),
        ({"hosts": ("Shop.example.com",)}, "one spelling"),
        ({"hosts": ("shop.example.com }\n",)}, "one spelling"),
        ({"hosts": ("127.0.0.1",)}, "one spelling"),
        ({"hosts": tuple(f"h{number}.example.com" for number in range(101))}, "at most 100"),
        ({"certificate": "/etc/freehold/tls/other.pem"}, "must be /etc/freehold/tls/shop.pem"),
        ({"hosts": (), "cloudflare": False}, "for host names"),
        ({"hosts": (), "certificate": None}, "for host names"),
        ({"networks": ("198.51.100.1/24",)}, "host bits set"),
        ({"networks": ("everywhere",)}, "everywhere"),
        ({"networks": ("fe80::%\n    bind :22/128",)}, "no network"),
        ({"v": 2}, "version 2"),
    ],
)
def test_what_is_no_fragment(values: dict[str, Any], words: str) -> None:
    import msgspec

    with pytest.raises(ValueError, match=words):
        Fragment(**{**msgspec.structs.asdict(FULL), **values})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"project": "shop"}',
        '{"project": "shop", "port": 8080, "colour": "red"}',
        '{"project": "shop", "port": 8080, "v": 2}',
        '{"project": "blog", "port": 8080}',
        '{"project": "shop", "port": "8080"}',
    ],
)
def test_a_file_that_cannot_be_read_stops_everything(text: str) -> None:
    with pytest.raises(FreeholdError) as raised:
        read_fragments({"shop.json": text})
    assert raised.value.code is Code.CONFIG
    assert "/etc/freehold/edge.d/shop.json" in raised.value.message


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ([Fragment(project="blog", port=8081)], "blog has no host name"),
        ([Fragment(project="blog", port=8081, hosts=("shop.example.com",))], "shop.example.com belongs to .* blog"),
        ([Fragment(project="blog", port=8080, hosts=("blog.example.com",))], "port 8080 belongs to .* blog"),
    ],
)
def test_two_that_cannot_be_told_apart(others: list[Fragment], words: str) -> None:
    with pytest.raises(FreeholdError, match=words) as raised:
        require_apart([*others, FULL])
    assert raised.value.code is Code.CONFLICT


def test_all_that_need_a_name_are_told_at_once() -> None:
    with pytest.raises(FreeholdError, match="blog and shop have no host name") as raised:
        require_apart([Fragment(project="blog", port=8081), Fragment(project="shop", port=8080)])
    assert "each of them one, in its folder: freehold env https" in raised.value.hint


def test_those_that_can() -> None:
    require_apart([])
    require_apart([Fragment(project="shop", port=8080)])
    require_apart([FULL, Fragment(project="blog", port=8081, hosts=("blog.example.com",))])

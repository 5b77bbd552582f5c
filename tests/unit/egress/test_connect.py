"""What a CONNECT request says."""

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.egress.connect import Target, parse_connect


@pytest.mark.parametrize(
    ("head", "target"),
    [
        (b"CONNECT pypi.org:443 HTTP/1.1\r\nHost: pypi.org:443\r\n\r\n", Target("pypi.org", 443)),
        (b"CONNECT pypi.org:443 HTTP/1.0\r\n\r\n", Target("pypi.org", 443)),
        (b"CONNECT [::1]:443 HTTP/1.1\r\n\r\n", Target("[::1]", 443)),  # for the rules to refuse
        ("CONNECT bücher.example:22 HTTP/1.1\r\n\r\n".encode(), Target("bücher.example", 22)),
    ],
)
def test_targets(head: bytes, target: Target) -> None:
    assert parse_connect(head) == target


@pytest.mark.parametrize(
    "line",
    [
        b"CONNECT pypi.org HTTP/1.1", b"CONNECT :443 HTTP/1.1", b"CONNECT a:0 HTTP/1.1", b"CONNECT a:65536 HTTP/1.1",
        b"CONNECT a:+443 HTTP/1.1", b"CONNECT a:4 4 3 HTTP/1.1", b"CONNECT a:443 HTTP/2", b"CONNECT a:443",
        b"CONNECT  HTTP/1.1", b"CONNECT " + b"a" * 700 + b":443 HTTP/1.1", b"GET / HTTP/1.1", b"",
        "CONNECT a:\u0664\u0664\u0663 HTTP/1.1".encode(),
    ],
)  # fmt: skip
def test_what_is_no_request(line: bytes) -> None:
    with pytest.raises(FreeholdError) as caught:
        parse_connect(line + b"\r\n\r\n")
    assert caught.value.code is Code.PROTOCOL
    assert "CONNECT host:443" in caught.value.hint

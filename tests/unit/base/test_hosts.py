"""Host names have one spelling, and an address in any notation is not a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.base.hosts import HostPattern, normalise_host, quoted


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("PyPI.org", "pypi.org"),
        ("pypi.org.", "pypi.org"),
        ("Bücher.Example.", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("faß.example", "xn--fa-hia.example"),
        ("例え。jp", "xn--r8jz45g.jp"),
        ("a_b.example.com", "a_b.example.com"),
        ("localhost", "localhost"),
        ("1.example.1a", "1.example.1a"),
    ],
)
def test_one_spelling(written: str, meant: str) -> None:
    assert normalise_host(written) == meant


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "..", "a..b", ".a", "a b", "-a.com", "a-.com", "example.com\n", "ex\nample.com", "a\x00b.com",
        "ex%61mple.com", "a/b", "user@a.com", "a:443", "[::1]", "::1", "127.0.0.1", "127.1", "2130706433", "0x7f.1",
        "0x7f000001", "0177.0.0.1", "1.2.3.4.", "\uff11\uff12\uff17.0.0.1", "foo.0x", "a" * 64 + ".com",
        "a." * 127 + "com", "a" * 5000, "a\u200db.com", "\udcff.com",
    ],
)  # fmt: skip
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"host|address|longer"):
        normalise_host(text)


@given(st.text(max_size=80))
def test_a_normalised_name_is_plain_and_stays_as_it_is(text: str) -> None:
    try:
        name = normalise_host(text)
    except ValueError:
        return
    assert name.isascii()
    assert name == name.lower().strip(".")
    assert normalise_host(name) == name


@pytest.mark.parametrize(
    ("pattern", "host", "matches"),
    [
        ("example.com", "example.com", True),
        ("Example.com.", "example.com", True),
        ("example.com", "api.example.com", False),
        ("example.com", "badexample.com", False),
        ("*.example.com", "api.example.com", True),
        ("*.example.com", "a.b.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "badexample.com", False),
        ("*.example.com", "api.example.com.evil.org", False),
    ],
)
def test_patterns(pattern: str, host: str, matches: bool) -> None:
    assert HostPattern.parse(pattern).matches(host) is matches


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("*", 'network = "open"'),
        ("*.com", "top-level domain"),
        ("https://example.com/", "is a URL"),
        ("example.com:8443", "port"),
        ("a.*.com", "not a host name"),
        ("*.10.0.0.1", "is an address"),
        ("", "empty"),
    ],
)
def test_patterns_that_are_none(pattern: str, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("*", r"\*")):
        HostPattern.parse(pattern)


def test_what_is_shown_of_a_bad_name_is_plain_and_short() -> None:
    assert quoted('a"\x1b[31m\r\n' + "x" * 500).isprintable()
    assert len(quoted("é" * 500)) < 700

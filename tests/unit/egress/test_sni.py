"""The server name of a TLS hello: read to the byte, whatever the borders, bounded whatever comes."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.egress.sni import LONGEST_HELLO, BadHelloError, Hello, HelloReader, parse_hello
from tests.support.hello import (
    client_hello,
    extension,
    handshake,
    hello_body,
    name_extension,
    records,
    sized,
)

NAMES = st.from_regex(r"[a-z0-9-]{1,20}(\.[a-z0-9-]{1,20}){0,3}", fullmatch=True).map(str.encode)


def read(data: bytes, segment: int = 2**20) -> tuple[Hello | None, HelloReader]:
    reader = HelloReader()
    hello = None
    for at in range(0, len(data), segment):
        assert hello is None
        hello = reader.feed(data[at : at + segment])
    return hello, reader


def first_flight_of_openssl(name: str | None) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname = False
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def test_what_openssl_sends() -> None:
    hello, reader = read(first_flight_of_openssl("pypi.org"))
    assert hello == Hello(b"pypi.org", encrypted=False)
    assert reader.rest() == b""


def test_openssl_without_a_name() -> None:
    assert read(first_flight_of_openssl(None))[0] == Hello(None, encrypted=False)


@given(NAMES, st.integers(1, 60), st.integers(1, 60), st.binary(max_size=30))
def test_borders_change_nothing(name: bytes, record: int, segment: int, rest: bytes) -> None:
    flight = records(handshake(hello_body(name_extension(name) + extension(21, bytes(40)))), most=record)
    hello, reader = read(flight, segment)
    assert hello == Hello(name, encrypted=False)
    assert reader.taken() == flight
    whole = HelloReader()
    assert whole.feed(flight + rest) == hello
    assert whole.taken() == flight
    assert whole.rest() == rest


@given(st.binary(max_size=400))
def test_garbage_is_an_error_or_too_little(garbage: bytes) -> None:
    reader = HelloReader()
    try:
        hello = reader.feed(garbage)
    except BadHelloError:
        return
    assert hello is None


@given(st.data())
def test_a_hello_with_a_changed_byte_never_crashes(data: st.DataObject) -> None:
    flight = bytearray(client_hello(b"example.com", extension(43, b"\x02\x03\x04")))
    at = data.draw(st.integers(0, len(flight) - 1))
    flight[at] = data.draw(st.integers(0, 255))
    try:
        HelloReader().feed(bytes(flight))
    except BadHelloError:
        return


@given(st.binary(max_size=200))
def test_extensions_of_any_bytes_never_crash(extensions: bytes) -> None:
    try:
        parse_hello(hello_body(extensions))
    except BadHelloError:
        return


@pytest.mark.parametrize(
    ("flight", "says"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "does not speak TLS"),
        (b"SSH-2.0-x\r\n", "does not speak TLS"),
        (b"\x16\x02", "does not speak TLS"),
        (b"\x16\x03\x01\x00\x00", "does not speak TLS"),  # an empty record
        (b"\x16\x03\x01\xff\xff", "does not speak TLS"),  # longer than a record may be
        (b"\x80\x2e\x01\x03\x01", "does not speak TLS"),  # an SSL 2 hello
        (b"\x15\x03\x01\x00\x02\x02\x28", "does not speak TLS"),  # an alert
        (records(handshake(b"x", kind=2)), "does not begin with a TLS hello"),
        (records(handshake(hello_body(b"")) + b"\x01"), "more follows"),
        (records(handshake(hello_body(name_extension(b"a")) + b"\x00")), "broken"),
        (records(handshake(hello_body(name_extension(b"a"))[:-1])), "broken"),
        (records(handshake(b"")), "broken"),
        (client_hello(b"a.example", name_extension(b"b.example")), "same extension twice"),
        (client_hello(b""), "no host name"),
        (records(handshake(hello_body(name_extension(b"a", kind=1)))), "no host name"),
        (records(handshake(hello_body(extension(0, b"")))), "broken"),
        (records(handshake(hello_body(extension(0, sized(b"\x00\x00\x01a\x00\x00\x01b", 2))))), "broken"),
        (records(b"\x01\xff\xff\xff"), "longer than"),
    ],
)
def test_what_is_no_hello(flight: bytes, says: str) -> None:
    with pytest.raises(BadHelloError, match=says):
        HelloReader().feed(flight)


def test_a_hello_without_end_is_bounded() -> None:
    reader = HelloReader()
    assert reader.feed(b"\x16\x03\x01\x00\x04\x01\x00\xff\xf0") is None
    with pytest.raises(BadHelloError, match="longer than"):  # noqa: PT012  the loop is what is bounded
        for _ in range(LONGEST_HELLO // 6 + 1):
            assert reader.feed(b"\x16\x03\x01\x00\x01\x00") is None


def test_a_large_hello_is_read() -> None:
    flight = client_hello(b"example.com", extension(21, bytes(30_000)))
    assert read(flight, 1000)[0] == Hello(b"example.com", encrypted=False)


def test_a_hello_without_extensions_has_no_name() -> None:
    assert read(records(handshake(hello_body(None))))[0] == Hello(None, encrypted=False)


@pytest.mark.parametrize("kind", [0xFE0D, 0xFFCE])
def test_a_hidden_name_is_seen_as_hidden(kind: int) -> None:
    hello, _ = read(client_hello(b"public.example", extension(kind, bytes(200))))
    assert hello == Hello(b"public.example", encrypted=True)

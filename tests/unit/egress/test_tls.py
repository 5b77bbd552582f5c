"""What passes on port 443, hello by hello."""

import contextlib
import ssl
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.egress.inspection import RefusedError
from freehold.egress.tls import ACCESS_DENIED_ALERT, MOST_HELD, TlsInspection
from tests.support.hello import (
    RETRY_RANDOM,
    client_hello,
    extension,
    handshake,
    hello_body,
    records,
    retry_request,
    server_hello,
)

HELLO = client_hello(b"example.com")
COMPATIBILITY = b"\x14\x03\x03\x00\x01\x01"
WARNING = b"\x15\x03\x03\x00\x02\x01\x70"  # unrecognized_name
EARLY_DATA = b"\x17\x03\x03\x00\x05hello"


def inspection() -> TlsInspection:
    return TlsInspection("example.com")


def test_the_right_name_passes_and_then_everything() -> None:
    tls = inspection()
    assert tls.from_client(HELLO) == HELLO
    answer = server_hello()
    assert tls.from_server(answer) == answer
    assert tls.done
    assert tls.from_client(b"anything") == b"anything"
    assert tls.from_server(b"anything") == b"anything"


def test_a_name_in_capitals_is_the_same_name() -> None:
    hello = client_hello(b"Example.COM")
    assert inspection().from_client(hello) == hello


def test_byte_by_byte_nothing_passes_before_the_name_is_known() -> None:
    tls = inspection()
    passed = [tls.from_client(bytes((byte,))) for byte in HELLO]
    assert passed == [b""] * (len(HELLO) - 1) + [HELLO]


@pytest.mark.parametrize(
    "name",
    [b"evil.example", b"example.com.", b"example.com.evil.example", b"example.com\x00.evil.example", b"\xe9xample.com"],
)
def test_another_name_is_refused(name: bytes) -> None:
    with pytest.raises(RefusedError, match="asks for") as caught:
        inspection().from_client(client_hello(name))
    assert caught.value.answer == ACCESS_DENIED_ALERT
    assert caught.value.reason.isprintable()


def test_a_lying_name_in_pieces_of_one_byte_lets_nothing_out() -> None:
    tls = inspection()
    flight = client_hello(b"evil.example")
    assert b"".join(tls.from_client(bytes((byte,))) for byte in flight[:-1]) == b""
    with pytest.raises(RefusedError):
        tls.from_client(flight[-1:])


def test_no_name_is_refused() -> None:
    with pytest.raises(RefusedError, match="no server name"):
        inspection().from_client(records(handshake(hello_body(b""))))


def test_a_hidden_name_is_refused_with_a_way_out() -> None:
    with pytest.raises(RefusedError, match="hides its server name") as caught:
        inspection().from_client(client_hello(b"example.com", extension(0xFE0D, bytes(100))))
    assert "ECH" in caught.value.hint


def test_what_is_not_tls_is_told_so_in_plain_text() -> None:
    with pytest.raises(RefusedError, match="TLS only") as caught:
        inspection().from_client(b"GET / HTTP/1.1\r\n\r\n")
    assert caught.value.answer.startswith(b"HTTP/1.1 403 ")


def test_a_server_that_speaks_first_does_not_speak_tls() -> None:
    with pytest.raises(RefusedError, match="spoke before"):
        inspection().from_server(b"220 mail.example ESMTP\r\n")


def test_early_data_waits_for_the_server() -> None:
    tls = inspection()
    assert tls.from_client(HELLO + EARLY_DATA) == HELLO
    assert tls.from_client(EARLY_DATA) == b""
    tls.from_server(server_hello())
    assert tls.from_client(b"") == EARLY_DATA * 2
    assert tls.done


def test_early_data_is_bounded() -> None:
    tls = inspection()
    tls.from_client(HELLO)
    with pytest.raises(RefusedError, match="before the server answered"):
        tls.from_client(bytes(MOST_HELD + 1))


@pytest.mark.parametrize("before", [b"", COMPATIBILITY, EARLY_DATA * 3 + COMPATIBILITY])
@pytest.mark.parametrize("segment", [1, 7, 10_000])
def test_a_second_hello_is_read_like_the_first(before: bytes, segment: int) -> None:
    flight = before + HELLO + COMPATIBILITY
    tls = after_retry_request()
    passed = b"".join(tls.from_client(flight[at : at + segment]) for at in range(0, len(flight), segment))
    assert passed == flight
    assert tls.done


@pytest.mark.parametrize("before", [b"", COMPATIBILITY, EARLY_DATA, b"\x15\x03\x03\x00\x02\x01\x5a"])
def test_a_second_hello_with_another_name_is_refused(before: bytes) -> None:
    tls = after_retry_request()
    assert tls.from_client(before) == before
    with pytest.raises(RefusedError, match=r"evil\.example"):
        tls.from_client(client_hello(b"evil.example"))


def test_a_second_hello_sent_ahead_waits_and_is_refused() -> None:
    tls = inspection()
    assert tls.from_client(HELLO + client_hello(b"evil.example")) == HELLO
    tls.from_server(retry_request())
    with pytest.raises(RefusedError, match=r"evil\.example"):
        tls.from_client(b"")


def test_a_server_answer_in_pieces_is_understood() -> None:
    tls = inspection()
    tls.from_client(HELLO)
    for byte in retry_request():
        assert tls.from_server(bytes((byte,))) == bytes((byte,))
    with pytest.raises(RefusedError):
        tls.from_client(client_hello(b"evil.example"))


def test_a_server_hello_in_tiny_records_is_refused() -> None:
    tls = inspection()
    tls.from_client(HELLO)
    with pytest.raises(RefusedError, match="too small"):
        tls.from_server(records(handshake(b"\x03\x03" + bytes(40), kind=2), most=10))


def test_nonsense_of_the_server_passes() -> None:
    tls = inspection()
    tls.from_client(HELLO)
    answer = b"HTTP/1.1 400 Bad Request\r\n"
    assert tls.from_server(answer) == answer
    assert tls.done


@pytest.mark.parametrize("segment", [1, 5, 10_000])
def test_a_warning_of_the_server_is_not_its_answer(segment: int) -> None:
    """After it may still come the request for another hello."""
    tls = inspection()
    tls.from_client(HELLO + client_hello(b"evil.example"))
    flight = WARNING * 2 + retry_request()
    passed = b"".join(tls.from_server(flight[at : at + segment]) for at in range(0, len(flight), segment))
    assert passed == flight
    with pytest.raises(RefusedError, match=r"evil\.example"):
        tls.from_client(b"")


def test_a_warning_before_the_hello_of_the_server_is_no_harm() -> None:
    tls = inspection()
    tls.from_client(HELLO)
    assert tls.from_server(WARNING + server_hello()) == WARNING + server_hello()
    assert tls.done
    with pytest.raises(RefusedError, match="too long"):
        after_hello().from_server(b"\x15\x03\x03\x01\x00" + bytes(256))


def after_hello() -> TlsInspection:
    tls = inspection()
    tls.from_client(HELLO)
    return tls


def after_retry_request() -> TlsInspection:
    tls = inspection()
    tls.from_client(HELLO)
    tls.from_server(retry_request())
    assert not tls.done
    return tls


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-subj", "/CN=example.com", "-addext", "subjectAltName=DNS:example.com", "-keyout", path,
         "-out", f"{path}.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


@settings(max_examples=15, deadline=None)
@given(
    segment=st.integers(1, 700),
    retry=st.booleans(),
    version=st.sampled_from([ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]),
)
def test_handshakes_of_openssl_complete_through_it(
    certificate: Path, segment: int, retry: bool, version: ssl.TLSVersion
) -> None:
    """Also where the server asks for a second hello, because it wants a curve that the client did not try first."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(certificate)
    if retry:
        server_context.set_ecdh_curve("secp384r1")
    client_context = ssl.create_default_context(cafile=str(certificate))
    client_context.maximum_version = client_context.minimum_version = version
    to_client, to_server, from_client, from_server = (ssl.MemoryBIO() for _ in range(4))
    client = client_context.wrap_bio(to_client, from_client, server_hostname="example.com")
    server = server_context.wrap_bio(to_server, from_server, server_side=True)
    tls = inspection()

    answers = b""

    def carry() -> None:
        nonlocal answers
        while piece := from_client.read(segment):
            to_server.write(tls.from_client(piece))
        while piece := from_server.read(segment):
            answers += piece
            to_client.write(tls.from_server(piece))
            to_server.write(tls.from_client(b""))

    for _ in range(8):
        for end in (client, server):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
            carry()
    assert tls.done
    assert (RETRY_RANDOM in answers) is (retry and version is ssl.TLSVersion.TLSv1_3)
    client.write(b"ping")
    carry()
    assert server.read(4) == b"ping"

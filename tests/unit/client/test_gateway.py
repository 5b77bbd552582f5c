"""Calls of a gateway: good answers, refusals, strange ones, and nobody there."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold import __version__
from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.base.sockets import connect_unix
from freehold.client import gateway as gateway_module
from freehold.client.gateway import LARGEST_EVENT_BYTES, Gateway
from freehold.client.gateway_address import LocalAddress, ServerAddress, remote_address
from freehold.client.server_events import ServerEvent
from freehold.client.tunnel import Tunnel
from freehold.hosts.target import Target
from freehold.store.known_hosts import KnownHosts
from freehold.wire.addressee import HEADER as ADDRESSEE
from freehold.wire.service import GATEWAY_SOCKET, Health
from freehold.wire.versions import HEADER
from tests.support.fake_gateway import FakeGateway, Raw, listening_in, listening_on_loopback

KEY = "fh_a-key-that-nobody-sees"


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeGateway]:
    with listening_in(tmp_path) as gateway:
        yield gateway


@pytest.fixture
def local(fake: FakeGateway, tmp_path: Path) -> Gateway:
    return Gateway(LocalAddress(tmp_path))


def remote(port: int) -> Gateway:
    return Gateway(remote_address(f"http://127.0.0.1:{port}/shop", "prod", lambda: Secret(KEY)))


def failure(gateway: Gateway) -> FreeholdError:
    with pytest.raises(FreeholdError) as caught:
        gateway.get("/status", Health)
    assert KEY not in f"{caught.value.message} {caught.value.hint}"
    return caught.value


def test_the_socket_needs_no_key(fake: FakeGateway, local: Gateway) -> None:
    fake.replies["GET /status"] = Health(status="ok", version="1")
    assert local.get("/status", Health, days=7, agent="").status == "ok"
    [asked] = fake.asked
    assert asked.query == {"days": "7"}
    assert "authorization" not in asked.headers
    assert asked.headers["host"] == "localhost"


class _NoTunnel(Tunnel):
    """As if the server were this machine."""

    def open(self, path: str) -> socket.socket:
        return connect_unix(Path(path))


def test_through_a_servers_socket_it_says_whom_it_means(fake: FakeGateway, tmp_path: Path) -> None:
    fake.replies["GET /status"] = Health(status="ok", version="1")
    tunnel = _NoTunnel(Target("box"), KnownHosts(tmp_path))
    there = ServerAddress("prod", "shop", str(LocalAddress(tmp_path).socket), tunnel)
    assert Gateway(there).get("/status", Health).status == "ok"
    [asked] = fake.asked
    assert asked.headers[ADDRESSEE.lower()] == "shop"


def test_a_key_goes_in_a_header(tmp_path: Path) -> None:
    with listening_on_loopback() as (fake, port):
        fake.replies["GET /shop/api/v1/status"] = Health(status="ok", version="1")
        assert remote(port).get("/status", Health).status == "ok"
        [asked] = fake.asked
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        assert KEY not in asked.path


def test_its_errors_are_its_own_words(fake: FakeGateway, local: Gateway) -> None:
    fake.replies["GET /status"] = FreeholdError(Code.CONFLICT, "it is so", "do that")
    error = failure(local)
    assert (error.code, error.message, error.hint) == (Code.CONFLICT, "it is so", "do that")


def test_a_refused_key_says_how_to_keep_another(tmp_path: Path) -> None:
    with listening_on_loopback() as (fake, port):
        fake.replies["GET /shop/api/v1/status"] = Raw(b'{"code":"denied","message":"unknown key"}', 401)
        error = failure(remote(port))
        assert error.code is Code.CREDENTIAL
        assert "freehold keys keep -E prod" in error.hint


STRANGE = [
    (Raw(b"<html>Bad Gateway</html>", 502), Code.UNREACHABLE, "HTTP 502"),
    (Raw(b"", 302, {"Location": "https://evil.example.com/"}), Code.PROTOCOL, "must not go"),
    (Raw(b"<html>Hello</html>"), Code.PROTOCOL, "cannot be read"),
    (Raw(b"\xff\xfe"), Code.PROTOCOL, "cannot be read"),
    (Raw(b'{"status": 7}'), Code.PROTOCOL, "cannot be read"),
    (Raw(b'{"code":"from_the_future","message":"x"}', 400), Code.PROTOCOL, "HTTP 400"),
    (Raw(b"[]", 400), Code.PROTOCOL, "HTTP 400"),
    (Raw(b"", 200, {"Content-Length": "100"}), Code.UNREACHABLE, "broke off"),
]


@pytest.mark.parametrize(("raw", "code", "told"), STRANGE)
def test_strange_answers_are_told(fake: FakeGateway, local: Gateway, raw: Raw, code: Code, told: str) -> None:
    fake.replies["GET /status"] = raw
    error = failure(local)
    assert error.code is code
    assert told in error.message


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    with listening_on_loopback() as (other, other_port), listening_on_loopback() as (fake, port):
        fake.replies["GET /shop/api/v1/status"] = Raw(b"", 302, {"Location": f"http://127.0.0.1:{other_port}/"})
        failure(remote(port))
        assert other.asked == []


def test_an_endless_answer_ends(fake: FakeGateway, local: Gateway) -> None:
    size = gateway_module.LARGEST_ANSWER_BYTES + 1
    fake.replies["GET /status"] = Raw(b" " * size)
    assert "larger than" in failure(local).message


@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_that_is_nested_without_end_is_told(fake: FakeGateway, local: Gateway, status: int) -> None:
    fake.replies["GET /runs"] = Raw(b'{"context":' * 100_000, status)
    with pytest.raises(FreeholdError) as caught:
        local.get("/runs", dict)
    assert caught.value.code is Code.PROTOCOL


def test_an_event_without_end_is_not_kept(fake: FakeGateway, local: Gateway) -> None:
    line = b"data: " + b"x" * 60_000 + b"\n"
    fake.replies["GET /events"] = Raw(b"data: {}\n\n" + line * (LARGEST_EVENT_BYTES // len(line) + 1))
    events = local.stream("/events")
    assert next(events) == ServerEvent("message", b"{}")
    with pytest.raises(FreeholdError, match="larger than 2 MB") as caught:
        next(events)
    assert caught.value.code is Code.PROTOCOL


def test_nobody_is_there(tmp_path: Path) -> None:
    error = failure(Gateway(LocalAddress(tmp_path)))
    assert error.exit_code == 5
    assert "freehold start" in error.hint


def test_a_socket_that_was_left_behind_is_nobody(tmp_path: Path) -> None:
    path = tmp_path / ".freehold" / GATEWAY_SOCKET
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert "is not running" in failure(Gateway(LocalAddress(tmp_path))).message


def test_a_link_in_its_place_is_not_followed(fake: FakeGateway, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / ".freehold").mkdir(parents=True)
    (other / ".freehold" / GATEWAY_SOCKET).symlink_to(tmp_path / ".freehold" / GATEWAY_SOCKET)
    assert "is not running" in failure(Gateway(LocalAddress(other))).message
    assert fake.asked == []


def test_a_host_that_does_not_answer_is_told() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        error = failure(remote(closed.getsockname()[1]))
    assert error.exit_code == 5
    assert "Connection refused" in error.message


def test_a_stream_goes_on_where_it_broke(fake: FakeGateway, local: Gateway) -> None:
    fake.replies["GET /runs/a/events"] = Raw(b"id: 4\ndata: {}\n\n")
    assert list(local.stream("/runs/a/events", after="3")) == [ServerEvent("message", b"{}", "4")]
    assert fake.asked[0].headers["last-event-id"] == "3"


def test_a_stream_that_is_refused_says_why(fake: FakeGateway, local: Gateway) -> None:
    fake.replies["GET /runs/a/events"] = FreeholdError(Code.NOT_FOUND, "no such run")
    with pytest.raises(FreeholdError, match="no such run"):
        list(local.stream("/runs/a/events"))


def test_versions_are_told_both_ways(fake: FakeGateway, local: Gateway) -> None:
    fake.replies["GET /status"] = Raw(b'{"status":"ok","version":"9.9.9"}', headers={HEADER: "9.9.9"})
    local.get("/status", Health)
    assert fake.asked[0].headers[HEADER.lower()] == __version__
    assert local.version == "9.9.9"
    assert "9.9.9" in local.version_difference


def test_what_a_gateway_of_another_version_does_not_know_may_be_because_of_that(
    fake: FakeGateway, local: Gateway
) -> None:
    fake.replies["GET /status"] = Raw(b'{"code":"not_found","message":"nothing here"}', 404, {HEADER: "0.0.1"})
    error = failure(local)
    assert error.message == "nothing here"
    assert "the running project has 0.0.1" in error.hint
    fake.replies["GET /status"] = Raw(b'{"code":"denied","message":"no"}', 403, {HEADER: "0.0.1"})
    assert failure(local).hint == ""

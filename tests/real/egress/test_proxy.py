"""The proxy over real sockets: what is let through, what is not, and every way in which a connection can go wrong."""

import asyncio
import contextlib
import json
import socket
import ssl
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from freehold.base.clock import FakeClock
from freehold.base.errors import Code, FreeholdError
from freehold.egress.connect import MOST_AHEAD
from freehold.egress.dialer import MOST_DIALLED, Dialer
from freehold.egress.limits import EgressLimits
from freehold.egress.proxy import EgressProxy
from freehold.egress.resolver import Endpoint, FixedResolver
from freehold.egress.rules import allow_list, nothing
from freehold.egress.tls import ACCESS_DENIED_ALERT
from freehold.wire.events import Egress
from tests.support.certificates import Authority
from tests.support.hello import client_hello, server_hello
from tests.support.outside import Outside, anywhere, listening, outside, within

RULES = allow_list("dev", egress=["good.test", "*.wild.test"], credential_hosts={"git_ssh": ["git.test"]}, ssh=True)
HELLO = client_hello(b"good.test")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Outside]:
    async with outside(tmp_path, RULES) as made:
        yield made


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def hello_then_echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speaks enough TLS for the inspection to be done: answers a hello with a hello."""
    await reader.readexactly(len(HELLO))
    writer.write(server_hello())
    await echo(reader, writer)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def open_tunnel(world: Outside) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    head, reader, writer = await world.connect("good.test:443")
    assert head == b"HTTP/1.1 200 Connection established\r\n\r\n"
    writer.write(HELLO)
    assert await within(reader.readexactly(len(server_hello()))) == server_hello()
    return reader, writer


async def test_tls_goes_through_and_its_bytes_are_counted(world: Outside, authority: Authority) -> None:
    await world.serve("good.test", echo, authority.server_context("good.test"))
    head, _, writer = await world.connect("good.test:443")
    assert head.startswith(b"HTTP/1.1 200 ")
    protocol = asyncio.StreamReaderProtocol(reader := asyncio.StreamReader())
    transport = await asyncio.get_running_loop().start_tls(
        writer.transport, protocol, authority.client_context(), server_hostname="good.test"
    )
    assert isinstance(transport, asyncio.Transport)
    protocol.connection_made(transport)
    sent = bytes(range(256)) * 4000
    transport.write(sent)
    assert await within(reader.readexactly(len(sent))) == sent
    transport.close()
    fact = await world.fact()
    assert (fact.host, fact.port, fact.allowed, fact.reason) == ("good.test", 443, True, "egress")
    assert fact.bytes_out > len(sent)
    assert fact.bytes_in > len(sent)
    assert fact.duration_s > 0


@pytest.mark.parametrize(
    ("target", "status", "reason"),
    [
        ("evil.test:443", 403, '"evil.test" is not in the allow-list of this run'),
        ("wild.test:443", 403, '"wild.test" is not in the allow-list of this run'),
        ("good.test:80", 403, "plain HTTP is not let out"),
        ("good.test:25", 403, 'port 25 of "good.test" is not let out'),
        ("127.0.0.1:443", 403, '"127.0.0.1" is an address; write the host\'s name'),
    ],
)
async def test_a_refusal_is_told_to_client_and_audit(world: Outside, target: str, status: int, reason: str) -> None:
    head, reader, _ = await world.connect(target)
    assert head.startswith(f"HTTP/1.1 {status} {reason}".encode())
    body = json.loads(await within(reader.read()))
    assert body["code"] == "denied"
    assert body["message"] == reason
    assert body["hint"]
    host, port = target.rsplit(":", 1)
    fact = await world.fact()
    assert fact == Egress(host=host, port=int(port), allowed=False, reason=reason, duration_s=fact.duration_s)
    assert world.resolver.asked == []


@pytest.mark.parametrize(
    "request_head",
    [
        b"CONNECT good.test HTTP/1.1\r\n\r\n",
        b"BREW /pot HTTP/1.1\r\n\r\n",
        b"x" * 20_000,
        b"CONNECT good.test:443 HTTP/1.1\r\n\r\n" + bytes(MOST_AHEAD + 1),
    ],
    ids=["no port", "another method", "too long", "much behind it"],
)
async def test_a_bad_request_is_answered(world: Outside, request_head: bytes) -> None:
    reader, writer = await world.open(request_head)
    answer = await within(reader.read())
    assert answer.startswith(b"HTTP/1.1 400 ")
    writer.close()
    assert world.facts == []


async def test_a_name_that_is_not_found(world: Outside) -> None:
    head, _, _ = await world.connect("a.wild.test:443")
    assert head.startswith(b'HTTP/1.1 502 "a.wild.test" is not found')
    fact = await world.fact()
    assert fact.allowed
    assert fact.reason == 'egress; "a.wild.test" is not found'


async def test_nobody_answers(world: Outside) -> None:
    with socket.socket() as bound:  # and not listening, so that the port is refused and stays so
        bound.bind(("127.0.0.1", 0))
        world.resolver.table["good.test"] = [Endpoint("127.0.0.1", bound.getsockname()[1])]
        head, _, _ = await world.connect("good.test:443")
    assert head.startswith(b'HTTP/1.1 502 "good.test" port 443 cannot be reached')


async def test_a_second_address_is_tried(world: Outside) -> None:
    await world.serve("good.test", hello_then_echo)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        dead = Endpoint("127.0.0.1", bound.getsockname()[1])
        world.resolver.table["good.test"] = [dead, *world.resolver.table["good.test"]]
        await open_tunnel(world)


async def test_of_many_addresses_some_are_tried(world: Outside) -> None:
    """Where none answers, each that is tried has a socket of the keeper's open."""
    await world.serve("good.test", silent)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        dead = [Endpoint(f"127.0.0.{number}", bound.getsockname()[1]) for number in range(1, MOST_DIALLED + 1)]
        world.resolver.table["good.test"] = [*dead, *world.resolver.table["good.test"]]
        head, _, _ = await world.connect("good.test:443")
    assert head.startswith(b'HTTP/1.1 502 "good.test" port 443 cannot be reached')


async def test_a_name_of_thousands_of_addresses_is_told_in_a_line() -> None:
    resolver = FixedResolver({"many.test": [Endpoint(f"10.0.{n // 256}.{n % 256}", 443) for n in range(4000)]})
    with pytest.raises(FreeholdError) as caught:
        await Dialer(resolver).dial("many.test", 443)
    assert len(caught.value.message) < 300


async def test_a_name_that_leads_to_private_addresses_only() -> None:
    addresses = ("10.0.0.5", "fd00::1", "::1")
    resolver = FixedResolver({"rebound.test": [Endpoint(address, 443) for address in addresses]})
    with pytest.raises(FreeholdError) as caught:
        await Dialer(resolver).dial("rebound.test", 443)
    assert caught.value.code is Code.DENIED
    assert "10.0.0.5 is private; fd00::1 is private; ::1 is loopback" in caught.value.message


async def test_a_name_with_a_private_address_too_leads_to_the_other_one(world: Outside) -> None:
    """A name server that answers differently next time is not asked again: what was checked is what is dialled."""
    await world.serve("good.test", silent)
    public = world.resolver.table["good.test"][0]
    refused: list[str] = []

    def only_public(address: str) -> str | None:
        if address == public.address:
            return None
        refused.append(address)
        return "private"

    resolver = FixedResolver({"both.test": [Endpoint("10.0.0.5", public.port), public]})
    connection = await Dialer(resolver, only_public).dial("both.test", 443)
    with connection:
        assert connection.getpeername() == (public.address, public.port)
    assert refused == ["10.0.0.5"]
    assert resolver.asked == ["both.test"]


async def test_the_own_addresses_of_this_host_are_refused_by_default(world: Outside) -> None:
    await world.serve("good.test", echo)
    with pytest.raises(FreeholdError, match=r"127\.0\.0\.1 is loopback"):
        await Dialer(world.resolver).dial("good.test", 443)


async def test_a_name_server_that_hangs(world: Outside) -> None:
    class Hanging:
        async def resolve(self, host: str, port: int) -> list[Endpoint]:
            await asyncio.Event().wait()
            return []

        def close(self) -> None: ...

    with pytest.raises(FreeholdError, match="was not found within") as caught:
        await Dialer(Hanging(), lookup_timeout_s=0.05).dial("good.test", 443)
    assert caught.value.code is Code.TIMEOUT


@pytest.mark.parametrize("segment", [1, 10_000])
async def test_a_lying_hello_reaches_nobody(world: Outside, segment: int) -> None:
    reached = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(1):
            reached.set()
        writer.close()

    await world.serve("good.test", listen)
    _, reader, writer = await world.connect("good.test:443")
    flight = client_hello(b"evil.test")
    for at in range(0, len(flight), segment):
        writer.write(flight[at : at + segment])
        await asyncio.sleep(0)
    assert await within(reader.read()) == ACCESS_DENIED_ALERT
    fact = await world.fact()
    assert not fact.allowed
    assert fact.reason == 'the client asks for "evil.test" on a connection to "good.test"'
    assert fact.bytes_out == fact.bytes_in == 0
    assert not reached.is_set()


async def test_openssl_names_the_alert(world: Outside, authority: Authority) -> None:
    await world.serve("good.test", echo, authority.server_context("good.test"))
    _, _, writer = await world.connect("good.test:443")
    context = ssl.create_default_context(cafile=str(authority.bundle))
    with pytest.raises(ssl.SSLError, match="TLSV1_ALERT_ACCESS_DENIED"):
        await within(
            asyncio.get_running_loop().start_tls(
                writer.transport, asyncio.Protocol(), context, server_hostname="evil.test"
            )
        )


async def test_plain_http_in_a_tunnel_is_told_why(world: Outside) -> None:
    await world.serve("good.test", silent)
    _, reader, writer = await world.connect("good.test:443")
    writer.write(b"GET / HTTP/1.1\r\nHost: good.test\r\n\r\n")
    assert (await within(reader.read())).startswith(b"HTTP/1.1 403 the client may speak TLS only")
    assert not (await world.fact()).allowed


async def test_a_hello_in_the_same_piece_as_the_request(world: Outside) -> None:
    await world.serve("good.test", hello_then_echo)
    reader, writer = await world.open(b"CONNECT good.test:443 HTTP/1.1\r\n\r\n" + HELLO)
    await within(reader.readuntil(b"\r\n\r\n"))
    assert await within(reader.readexactly(len(server_hello()))) == server_hello()
    writer.close()


async def test_half_closing_works_both_ways(world: Outside) -> None:
    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(HELLO))
        writer.write(server_hello())
        writer.write(str(len(await reader.read())).encode())
        writer.write_eof()

    await world.serve("good.test", count)
    reader, writer = await open_tunnel(world)
    writer.write(bytes(3_000_000))
    writer.write_eof()
    assert await within(reader.read()) == b"3000000"
    fact = await world.fact()
    assert (fact.allowed, fact.reason) == (True, "egress")
    assert fact.bytes_out == len(HELLO) + 3_000_000


async def test_a_server_that_does_not_read_stops_the_client(world: Outside) -> None:
    go = asyncio.Event()
    received = 0

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        await reader.readexactly(len(HELLO))
        writer.write(server_hello())
        await go.wait()
        while data := await reader.read(65536):
            received += len(data)
        writer.close()

    await world.serve("good.test", slow)
    _, writer = await open_tunnel(world)
    most, sent = 32 * 1024 * 1024, 0
    with contextlib.suppress(TimeoutError):
        while sent < most:
            writer.write(bytes(65536))
            sent += 65536
            await asyncio.wait_for(writer.drain(), 1)
    assert sent < most, "the proxy takes in what it cannot pass on"
    go.set()
    writer.write_eof()
    fact = await world.fact()
    assert received == sent
    assert fact.bytes_out == len(HELLO) + sent


async def test_a_client_that_vanishes_in_the_middle(world: Outside) -> None:
    gone = asyncio.Event()

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(HELLO))
        writer.write(server_hello())
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(bytes(65536))
                await writer.drain()
        gone.set()

    await world.serve("good.test", stream)
    reader, writer = await open_tunnel(world)
    await within(reader.readexactly(200_000))
    writer.transport.abort()
    await within(gone.wait())
    fact = await world.fact()
    assert fact.allowed
    assert fact.reason == "egress; the connection broke"
    assert fact.bytes_in >= 200_000


async def test_a_client_that_vanishes_before_its_hello(world: Outside) -> None:
    await world.serve("good.test", silent)
    _, _, writer = await world.connect("good.test:443")
    writer.write(HELLO[:20])
    writer.close()
    assert (await world.fact()).reason == "egress; the client hung up before its hello was complete"


async def test_clients_that_vanish_wait_for_nothing(tmp_path: Path) -> None:
    """A run that connects and hangs up, again and again, made its keeper remember each of them for minutes."""
    async with outside(tmp_path, RULES, EgressLimits(per_second=0.01, burst=5)) as world:
        for _ in range(100):
            _, writer = await world.open(b"CONNECT good")
            writer.close()
            await writer.wait_closed()
        await within(_settled(lambda: not world.proxy.connections))
    assert world.facts == []


async def _settled(happened: Callable[[], bool]) -> None:
    while not happened():
        await asyncio.sleep(0)


async def test_a_client_that_vanishes_before_its_request(world: Outside) -> None:
    for piece in (b"", b"CONNECT good"):
        _, writer = await world.open(piece)
        writer.close()
        await writer.wait_closed()
    await world.connect("evil.test:443")
    assert (await world.fact()).host == "evil.test"
    assert len(world.facts) == 1


async def test_a_server_that_resets(world: Outside) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(HELLO))
        raw = writer.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    await world.serve("good.test", reset)
    _, reader, writer = await world.connect("good.test:443")
    writer.write(HELLO)
    assert await within(reader.read()) == b""
    assert (await world.fact()).reason == "egress; the connection broke"


LIMITS = {
    "head": EgressLimits(head_s=0.05),
    "hello": EgressLimits(hello_s=0.05),
    "idle": EgressLimits(idle_s=0.05),
    "life": EgressLimits(lifetime_s=0.2, idle_s=60),
}


async def test_a_request_that_does_not_come(tmp_path: Path) -> None:
    async with outside(tmp_path, RULES, LIMITS["head"]) as world:
        reader, writer = await world.open(b"CONNECT good.test:443 HTTP/1.1\r\n")
        assert (await within(reader.read())).startswith(b"HTTP/1.1 504 the request head did not come within 0.05 s")
        writer.close()


@pytest.mark.parametrize(
    ("said", "who"),
    [(b"", "client"), (HELLO[:50], "client"), (HELLO, "server")],
    ids=["nothing", "half a hello", "a hello"],
)
async def test_a_hello_that_does_not_come(tmp_path: Path, said: bytes, who: str) -> None:
    async with outside(tmp_path, RULES, LIMITS["hello"]) as world:
        await world.serve("good.test", silent)
        _, reader, writer = await world.connect("good.test:443")
        writer.write(said)
        assert await within(reader.read()) == b""
        fact = await world.fact()
        assert fact.reason.endswith(f"the {who} did not say hello within 0.05 s")
        assert fact.allowed is (who == "server")


async def test_a_hello_that_drips_does_not_buy_time(tmp_path: Path) -> None:
    async with outside(tmp_path, RULES, LIMITS["hello"]) as world:
        await world.serve("good.test", silent)
        _, reader, writer = await world.connect("good.test:443")
        ended = asyncio.create_task(reader.read())
        for byte in HELLO * 1000:
            writer.write(bytes((byte,)))
            await asyncio.sleep(0.005)
            if ended.done():
                break
        assert await within(ended) == b""
        assert not (await world.fact()).allowed


async def test_a_huge_hello(world: Outside) -> None:
    await world.serve("good.test", silent)
    _, reader, writer = await world.connect("good.test:443")
    writer.write(b"\x16\x03\x01\x40\x00\x01\x00\xff\x00" + bytes(2**14 - 4))
    writer.write((b"\x16\x03\x01\x40\x00" + bytes(2**14)) * 4)
    assert await within(reader.read()) == ACCESS_DENIED_ALERT
    assert "longer than 65536 bytes" in (await world.fact()).reason


async def test_a_connection_on_which_nothing_moves_is_cut(tmp_path: Path) -> None:
    async with outside(tmp_path, RULES, LIMITS["idle"]) as world:
        await world.serve("good.test", hello_then_echo)
        reader, _ = await open_tunnel(world)
        assert await within(reader.read()) == b""
        fact = await world.fact()
        assert (fact.allowed, fact.reason) == (True, "egress; nothing moved for 0.05 s")


async def test_a_connection_that_moves_is_cut_at_the_end_of_its_life_only(tmp_path: Path) -> None:
    async with outside(tmp_path, RULES, LIMITS["life"]) as world:
        await world.serve("good.test", hello_then_echo)
        reader, writer = await open_tunnel(world)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                writer.write(b"x")
                await within(reader.readexactly(1))
        assert (await world.fact()).reason == "egress; open for 0.2 s, the longest there is"


async def test_a_change_of_the_rules_cuts_what_is_no_longer_allowed(world: Outside) -> None:
    await world.serve("good.test", hello_then_echo)
    await world.serve("a.wild.test", hello_then_echo)
    lost, _ = await open_tunnel(world)
    _, kept, writer = await world.connect("a.wild.test:443")
    writer.write(client_hello(b"a.wild.test")[: len(HELLO)])
    world.proxy.set_rules(allow_list("dev", egress=["*.wild.test"]))
    assert await within(lost.read()) == b""
    fact = await world.fact()
    assert (fact.host, fact.allowed) == ("good.test", False)
    assert fact.reason.startswith("cut by a change of the rules: ")
    head, _, _ = await world.connect("good.test:443")
    assert head.startswith(b"HTTP/1.1 403 ")
    assert not kept.at_eof()


async def test_a_host_that_is_added_is_reached_at_once(world: Outside) -> None:
    await world.serve("new.test", silent)
    assert (await world.connect("new.test:443"))[0].startswith(b"HTTP/1.1 403 ")
    world.proxy.set_rules(allow_list("dev", egress=["new.test"]))
    assert (await world.connect("new.test:443"))[0].startswith(b"HTTP/1.1 200 ")
    world.proxy.set_rules(nothing("dev", "the run is over"))
    assert (await world.connect("new.test:443"))[0].startswith(b"HTTP/1.1 403 the run is over")


async def test_rules_that_change_while_a_name_is_looked_up(world: Outside) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    class Slow(FixedResolver):
        async def resolve(self, host: str, port: int) -> Sequence[Endpoint]:
            asked.set()
            await answer.wait()
            return await super().resolve(host, port)

    await world.serve("good.test", silent)
    world.path = world.path.with_suffix(".slow")
    proxy = EgressProxy(RULES, world.facts.append, dialer=Dialer(Slow(world.resolver.table), anywhere))
    async with listening(proxy, world.path):
        reader, _ = await world.open(b"CONNECT good.test:443 HTTP/1.1\r\n\r\n")
        await within(asked.wait())
        proxy.set_rules(nothing("dev", "changed"))
        answer.set()
        assert (await within(reader.read())).startswith(b"HTTP/1.1 403 changed")


async def test_what_comes_before_the_server_is_reached_is_bounded(world: Outside) -> None:
    asked = asyncio.Event()

    class Never(FixedResolver):
        async def resolve(self, host: str, port: int) -> Sequence[Endpoint]:
            asked.set()
            await asyncio.Event().wait()
            return []

    world.path = world.path.with_suffix(".never")
    proxy = EgressProxy(RULES, world.facts.append, dialer=Dialer(Never({}), anywhere))
    async with listening(proxy, world.path):
        _, writer = await world.open(b"CONNECT good.test:443 HTTP/1.1\r\n\r\n")
        await within(asked.wait())
        writer.write(bytes(32 * 1024 * 1024))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.drain(), 1)


async def test_a_thousand_connections_at_once(tmp_path: Path) -> None:
    """As many as may be are served, every other one is told why, and none is left behind."""
    limits = EgressLimits(connections=200, per_second=100_000, burst=100_000)
    async with outside(tmp_path, RULES, limits) as world:
        await world.serve("good.test", hello_then_echo)
        answers = await asyncio.gather(*(world.connect("good.test:443") for _ in range(1000)))
        served = [(reader, writer) for head, reader, writer in answers if head.startswith(b"HTTP/1.1 200 ")]
        refused = [reader for head, reader, _ in answers if head.startswith(b"HTTP/1.1 429 ")]
        assert (len(served), len(refused)) == (200, 800)
        assert {json.loads(await within(reader.read()))["code"] for reader in refused} == {"busy"}
        for _, writer in served:
            writer.write(HELLO)
        for reader, writer in served:
            await within(reader.readexactly(len(server_hello())))
            writer.close()
        await world.fact(1000)
        assert Counter(fact.allowed for fact in world.facts) == {True: 200, False: 800}
        assert (await world.connect("good.test:443"))[0].startswith(b"HTTP/1.1 200 ")


async def test_refusals_are_paced_so_that_facts_are_bounded(tmp_path: Path) -> None:
    clock = FakeClock()
    facts: list[Egress] = []
    limits = EgressLimits(per_second=10, burst=5)
    proxy = EgressProxy(RULES, facts.append, dialer=Dialer(FixedResolver({})), limits=limits, clock=clock)
    async with listening(proxy, tmp_path / "s"):
        for _ in range(25):
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
            writer.write(b"CONNECT evil.test:443 HTTP/1.1\r\n\r\n")
            await within(reader.read())
            writer.close()
    assert len(facts) == 25
    assert clock.monotonic() == pytest.approx(2.0)


async def test_closing_cuts_everything_and_tells_it(world: Outside) -> None:
    await world.serve("good.test", hello_then_echo)
    reader, _ = await open_tunnel(world)
    idle, _ = await world.open()
    await world.proxy.close()
    assert await within(reader.read()) == b""
    assert await within(idle.read()) == b""
    assert [(fact.allowed, fact.reason) for fact in world.facts] == [(True, "egress; the run ended")]


async def test_plain_http_is_refused_and_told(world: Outside) -> None:
    error = world.proxy.refuse_plain("http://Good.Test:8080/path?x=1")
    assert error.http_status == 403
    assert error.hint == "use https://good.test/ instead"
    assert world.facts == [Egress(host="good.test", port=80, allowed=False, reason="plain HTTP is not let out")]
    assert world.proxy.refuse_plain("http://[broken").code is Code.DENIED


async def test_ssh_is_let_through_where_both_sides_speak_it(world: Outside) -> None:
    async def sshd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-server\r\n")
        await echo(reader, writer)

    await world.serve("git.test", sshd)
    _, reader, writer = await world.connect("git.test:22")
    assert await within(reader.readline()) == b"SSH-2.0-server\r\n"
    writer.write(b"SSH-2.0-client\r\nkeys")
    assert await within(reader.readexactly(20)) == b"SSH-2.0-client\r\nkeys"
    writer.close()
    assert (await world.fact()).reason == "credential git_ssh"


async def test_something_else_on_port_22_is_cut(world: Outside) -> None:
    await world.serve("git.test", silent)
    _, reader, writer = await world.connect("git.test:22")
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert await within(reader.read()) == b""
    fact = await world.fact()
    assert (fact.allowed, fact.reason) == (False, "on port 22 the client may speak SSH 2 only")

"""A name that leads through Cloudflare's proxy to a server with an origin certificate: the whole chain."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from freehold.providers.dns import SslMode
from freehold.providers.fake_authority import OriginAuthority
from freehold.providers.origin_request import new_request
from tests.support.certificates import Authority
from tests.support.cloud_worlds import PROD, DnsWorld, cloudflare_world
from tests.support.cloudflare_proxy import CloudflareProxy

HOST = "agents.example.com"
LIES = {"X-Forwarded-For": "203.0.113.9", "cf-connecting-ip": "203.0.113.9"}
"""What a visitor may say of itself."""


class Origin(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        said = f"{self.headers['host']} {self.headers['cf-connecting-ip']} {self.headers['x-forwarded-for']}".encode()
        self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(said), said))

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  its word
        """Standard error belongs to the test."""


@dataclass
class Chain:
    world: DnsWorld
    proxy: CloudflareProxy
    visitors: ssl.SSLContext

    def get(self, host: str = HOST) -> tuple[int, str]:
        connection = http.client.HTTPSConnection("127.0.0.1", self.proxy.port, context=self.visitors, timeout=20)
        with contextlib.closing(connection):
            connection.request("GET", "/health", headers={"Host": host, **LIES})
            response = connection.getresponse()
            return response.status, response.read().decode()


@contextlib.contextmanager
def origin_with(certificate_pem: str, key_pem: str, folder: Path) -> Iterator[int]:
    """A server with this certificate, on a port of its own."""
    both = folder / "origin.pem"
    both.write_text(key_pem + certificate_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@contextlib.asynccontextmanager
async def chain(folder: Path, *, genuine: bool = True, certified: str = HOST) -> AsyncIterator[Chain]:
    """`genuine`: the origin's certificate is of the authority that the proxy trusts."""
    authority = Authority(folder)
    request = new_request(HOST, PROD)
    with cloudflare_world() as world:
        await world.dns.point(world.zone, HOST, ("127.0.0.1",), PROD)
        if genuine:
            certificate = (await world.dns.certify(certified, request.csr_pem)).certificate_pem
        else:
            certificate = OriginAuthority().certify((certified,), request.csr_pem)
        with origin_with(certificate, request.key_pem.reveal(), folder) as port:
            proxy = CloudflareProxy(world.api, authority.server_context("127.0.0.1"), origin_port=port)
            visitors = authority.client_context()
            visitors.check_hostname = False
            yield Chain(world, proxy, visitors)
            proxy.close()
        await world.dns.close()


async def test_strict_checks_the_origin_and_tells_it_who_asks(tmp_path: Path) -> None:
    async with chain(tmp_path) as made:
        await made.world.dns.require_strict(made.world.zone, HOST, PROD)
        assert made.get() == (200, f"{HOST} 127.0.0.1 203.0.113.9, 127.0.0.1")


@pytest.mark.parametrize(("genuine", "certified"), [(False, HOST), (True, "other.example.com")])
async def test_strict_refuses_certificates_that_are_not_for_this_name_and_of_this_authority(
    tmp_path: Path, genuine: bool, certified: str
) -> None:
    async with chain(tmp_path, genuine=genuine, certified=certified) as made:
        assert made.get()[0] == 200  # "full" looks at no certificate
        await made.world.dns.set_ssl_mode(made.world.zone, SslMode.STRICT)
        assert made.get()[0] == 526


async def test_names_without_a_proxied_address_lead_nowhere(tmp_path: Path) -> None:
    async with chain(tmp_path) as made:
        made.world.add_record("A", "plain.example.com", "127.0.0.1")
        assert made.get("plain.example.com")[0] == 530


async def test_nobody_there_is_told(tmp_path: Path) -> None:
    async with chain(tmp_path) as made:
        await made.world.dns.set_ssl_mode(made.world.zone, SslMode.FLEXIBLE)
        made.proxy._ports[False] = 1
        assert made.get()[0] == 521

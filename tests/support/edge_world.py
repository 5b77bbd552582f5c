"""A server with an edge and projects behind it, for tests: what is there goes when the test ends."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from freehold.deploy.edge_part import EdgePart, ask_edge
from freehold.deploy.origin_key import place_certificate, request_certificate
from freehold.edge.fragment import Fragment
from freehold.hosts.host import Host
from freehold.providers.fake_authority import OriginAuthority
from freehold.server.layout import Layout
from tests.support.edge_backend import stand
from tests.support.load import Place
from tests.support.sandbox import SandboxServer
from tests.support.server_parts import on, says, settled

SHOP, BLOG = "shop.example.com", "blog.example.com"


@dataclass
class World:
    """`authority` signs what the server serves, and is trusted by `tls`."""

    host: Host
    server: SandboxServer
    authority: OriginAuthority

    @property
    def tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.authority.certificate_pem)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context

    def plain(self, host: str) -> Place:
        return Place(self.server.address, 80, host)

    def secure(self, host: str) -> Place:
        return Place(self.server.address, 443, host, self.tls)

    async def my_address(self) -> str:
        """As the server sees this machine."""
        return (await says(self.host, "echo $SSH_CLIENT")).split()[0]

    async def serve(self, project: str, port: int, **more: Any) -> None:
        """A backend called like the project, and the edge in front of it."""
        if "certificate" in more:
            csr = await request_certificate(self.host, project, more["hosts"][0], "fh-tests-abcd")
            await place_certificate(self.host, project, self.authority.certify(more["hosts"], csr))
        await stand(self.host, project, port)
        await settled(self.host, EdgePart(project, Fragment(project=project, port=port, **more)))

    async def serve_shop(self, **more: Any) -> None:
        await self.serve("shop", 8080, hosts=(SHOP,), certificate=Layout("shop").certificate, **more)

    async def serve_behind_a_proxy(self) -> None:
        """`shop`, with this machine for Cloudflare: it says who asks."""
        await self.serve_shop(cloudflare=True, networks=(f"{await self.my_address()}/32",))


@contextlib.asynccontextmanager
async def world_on(server: SandboxServer) -> AsyncIterator[World]:
    async with on(server) as host:
        try:
            yield World(host, server, OriginAuthority())
        finally:
            for name in (await ask_edge(host)).fragments:
                await settled(host, EdgePart(name.removesuffix(".json"), None))

"""A gateway in a test: the real application and database, a keeper in memory, and a clock that the test moves."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from starlette.types import ASGIApp

from freehold.base.clock import ManualClock
from freehold.base.secret import Secret
from freehold.console.refusals import error_page
from freehold.console.routes import console_routes
from freehold.gateway.app import make_app
from freehold.gateway.at_work import hosts_of
from freehold.gateway.console_api import ConsoleApi
from freehold.gateway.first_key import FIELD, REF, ensure_first_key
from freehold.gateway.forwarded_peer import ForwardedPeers
from freehold.gateway.gateway import Gateway, listening, make_gateway
from freehold.gateway.local_peer import LocalPeers
from freehold.gateway.project_service import Listeners, ProjectService
from freehold.gateway.run_events import MemoryRunEvents
from freehold.project.credential import CredentialRef
from freehold.scheduler.scheduler import Scheduler
from freehold.store import api_keys
from freehold.store.api_keys import Scope
from freehold.store.credentials import MemoryCredentialStore
from freehold.webhooks.simulation import simulated
from tests.support.scheduling import SchedulerWorld

PORT = 8080
HUB = '[webhooks.hub]\ntype = "github"\n'
SECRET = Secret("the secret of the hub")
ISSUE = b'{"action": "opened", "issue": {"number": 7, "title": "It broke"}, "repository": {"full_name": "acme/shop"}, '
ISSUE += b'"sender": {"login": "octocat"}}'


class GatewayWorld:
    """`client` asks as an admin; `as_key` as somebody with these scopes; `anybody` without a key."""

    def __init__(self, gateway: Gateway, app: ASGIApp, world: SchedulerWorld, key: Secret) -> None:
        self.gateway = gateway
        self.app = app
        self.world = world
        self.key = key
        self.clients: list[httpx2.AsyncClient] = []
        self.client = self.asking(key)
        self.anybody = self.asking()
        self.stopped = False

    @property
    def scheduler(self) -> Scheduler:
        return self.gateway.service.scheduler

    @property
    def events(self) -> MemoryRunEvents:
        assert isinstance(self.gateway.run_events, MemoryRunEvents)
        return self.gateway.run_events

    @property
    def credentials(self) -> MemoryCredentialStore:
        assert isinstance(self.gateway.credentials, MemoryCredentialStore)
        return self.gateway.credentials

    def asking(
        self,
        key: Secret | None = None,
        *,
        host: str = f"localhost:{PORT}",
        local: bool = False,
        forwarded: bool = False,
        address: str = "127.0.0.1",
    ) -> httpx2.AsyncClient:
        app = LocalPeers(self.app) if local else ForwardedPeers(self.app) if forwarded else self.app
        transport = httpx2.ASGITransport(app=app, client=(address, 1234))
        headers = {"authorization": f"Bearer {key.reveal()}"} if key else {}
        client = httpx2.AsyncClient(transport=transport, base_url=f"http://{host}", headers=headers)
        self.clients.append(client)
        return client

    async def as_key(self, *scopes: Scope) -> httpx2.AsyncClient:
        secret = api_keys.new_secret()
        now = self.gateway.service.clock.now()
        await self.gateway.service.database.write(lambda c: api_keys.make(c, " ".join(scopes), scopes, secret, now))
        return self.asking(secret)

    def signed(
        self, body: bytes = ISSUE, event: str = "issues", delivery_id: str = "d-1"
    ) -> tuple[dict[str, str], bytes]:
        """Headers and body of a delivery to the source `hub`."""
        source = self.scheduler.agents.project.config.webhooks["hub"]
        now = self.gateway.service.clock.now()
        made = simulated(source, body, now=now, delivery_id=delivery_id, event=event, secret=SECRET)
        return dict(made.headers), made.body

    async def deliver(self, **fields: Any) -> httpx2.Response:
        headers, body = self.signed(**fields)
        return await self.anybody.post("/webhooks/hub", content=body, headers=headers)


@asynccontextmanager
async def gateway_world(
    world: SchedulerWorld, *, port: int = PORT, console: bool = False
) -> AsyncIterator[GatewayWorld]:
    """A gateway on the scheduler of `world`, whose project is made already; with `console`, its pages too."""
    listeners = Listeners()
    world.on_changed.append(listeners.tell_changed)
    world.on_closed.append(listeners.tell_closed)
    async with world.running() as scheduler:
        root = world.folder / "project"
        service = ProjectService(
            root, world.folder / "home", "", world.clock, world.database, scheduler, world.keeper, listeners
        )  # fmt: skip
        store = MemoryCredentialStore()
        store.put(CredentialRef("github_webhook_secret", "default"), {"secret": SECRET})
        await ensure_first_key(service.database, store, world.clock.now())
        stops: list[GatewayWorld] = []

        def stop() -> None:
            stops[0].stopped = True

        gateway = make_gateway(service, MemoryRunEvents(), store, stop=stop)
        api = ConsoleApi(gateway)
        pages, page = (console_routes(api), error_page(api)) if console else ([], None)
        app = make_app(
            gateway, hosts_of(gateway, port, exposed=False), web=True, pages=pages, error_page=page,
            body_deadline_s=0.3,
        )  # fmt: skip
        key = store.get(REF, FIELD)
        assert key is not None
        made = GatewayWorld(gateway, app, world, key)
        stops.append(made)
        with listening(gateway):
            yield made
        gateway.changes.close()
        gateway.streams.close()
        for client in made.clients:
            await client.aclose()


def hooked_world(
    folder: Path, clock: ManualClock, config: str = "", project: str = "", url: str = ""
) -> SchedulerWorld:  # fmt: skip
    """A project with the webhook source `hub` and the agent `dev`, which issues start."""
    world = SchedulerWorld(folder, clock, url)
    world.project_config(f"{HUB}{project}")
    world.agent("dev", f'{config}\n[[webhooks]]\nsource = "hub"\nevents = ["issues"]\n')
    return world


def errors(response: httpx2.Response) -> Mapping[str, str]:
    """The body of an answer that is an error; it has the three fields, and nothing else."""
    told: dict[str, str] = json.loads(response.content)
    assert set(told) == {"code", "message", "hint"}, told
    return told

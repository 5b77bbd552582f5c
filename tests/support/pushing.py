"""Projects that are pushed to a sandbox: the whole push in this process, over connections that are counted or cut."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Never, TypeVar

from freehold.base.clock import SystemClock
from freehold.base.ids import new_ulid
from freehold.deploy.apply import Phases, Unwatched
from freehold.deploy.bundle.bundle import Bundle, ProgramFile, installed_bundle
from freehold.deploy.guard import AFTER_S
from freehold.deploy.image_layers.wanted import WantedImages
from freehold.deploy.images_part import ImagesPart
from freehold.deploy.lease import LASTS_S, Lease, this_process
from freehold.deploy.parts import BringingImages, Parts
from freehold.deploy.plan import Plan
from freehold.deploy.push import Push, Pushed
from freehold.deploy.step import Step
from freehold.deploy.wanted import Wanted, read_wanted
from freehold.hosts import failures
from freehold.hosts.host import Command, Host, Outcome, RemoteFile
from freehold.hosts.ssh_host import SshHost
from freehold.server.layout import Layout, server_name
from freehold.store.environments import Environments
from tests.support.folders import write_files
from tests.support.program import Freehold
from tests.support.sandbox import SandboxServer
from tests.support.server_parts import log_in_to, logged_in

Result = TypeVar("Result")

SKILL = "---\ndescription: Says hello.\n---\nSay hello.\n"
PROJECT = {
    "config.toml": '[models.m]\nprovider = "rehearsal"\nmodel = "rehearsal"\n',
    "agents/hello/SKILL.md": SKILL,
    "agents/hello/config.toml": 'models = ["m"]\n',
    "agents/hello/rehearsal.yaml": "version: 1\nturns:\n  - say: Hello.\n",
}
WITHOUT_IMAGE = {"agents/hello/config.toml": 'models = ["m"]\nscale = 0\n'}
"""An agent that is switched off needs none."""
DEAD = f"{this_process().rsplit(' ', 2)[0]} 999999999 1"
"""A process of this machine that is no more: what it began may be taken over at once."""


@cache
def still_bundle() -> Bundle:
    """The program as it was when the tests began: somebody may work on it meanwhile."""
    return installed_bundle()


def another_bundle(mark: str) -> Bundle:
    """The same program under another digest."""
    bundle = still_bundle()
    return replace(bundle, code={**bundle.code, "mark.txt": ProgramFile(mark.encode())})


@dataclass
class Line(Unwatched):
    """A connection that counts what goes through it, and is cut at a step: `before` what is asked then arrives, `after`
    it was done, or `during` it."""

    inner: SshHost
    cut_at: Step | None = None
    how: str = "before"
    calls: list[str] = field(default_factory=list)
    sent_bytes: int = 0
    got_bytes: int = 0
    is_cut: bool = False
    _armed: bool = False

    @property
    def name(self) -> str:
        return self.inner.name

    def began(self, step: Step) -> None:
        self._armed = step is self.cut_at

    async def run(self, command: Command) -> Outcome:
        outcome = await self._through(" ".join(command.argv[:4]), self.inner.run(command))
        self.sent_bytes += len(command.stdin)
        self.got_bytes += len(outcome.stdout)
        return outcome

    async def put(self, files: Sequence[RemoteFile], directory: str, *, as_root: bool = False) -> None:
        await self._through("put", self.inner.put(files, directory, as_root=as_root))
        self.sent_bytes += sum(
            len(each.content) if isinstance(each.content, bytes) else each.content.stat().st_size for each in files
        )

    async def get(self, path: str, *, as_root: bool = False) -> bytes:
        return await self._through("get", self.inner.get(path, as_root=as_root))

    def lines(self, command: Command) -> AsyncIterator[bytes]:
        return self.inner.lines(command)

    async def forward(self, path: str, *, as_root: bool = False) -> socket.socket:
        return await self._through("forward", self.inner.forward(path, as_root=as_root))

    async def close(self) -> None:
        await self.inner.close()

    async def _through(self, what: str, work: Coroutine[None, None, Result]) -> Result:
        self.calls.append(what)
        task = asyncio.create_task(work)
        if self.is_cut or (self._armed and self.how == "before"):
            task.cancel()
            await asyncio.wait({task})
            await self._cut()
        if self._armed and self.how == "during":
            await asyncio.wait({task}, timeout=0.1)
            await self.inner.close()
            await asyncio.gather(task, return_exceptions=True)
            await self._cut()
        done = await task
        if self._armed:
            await self._cut()
        return done

    async def _cut(self) -> Never:
        self.is_cut = True
        await self.inner.close()
        raise failures.connection_lost(self.name, "a test cut it")


@dataclass
class Pushing:
    """A project in `root`, called as its folder is. `expose` is that of its environment."""

    sandbox: SandboxServer
    root: Path
    expose: bool = False
    lease_s: float = LASTS_S
    guard_after_s: float = AFTER_S
    bundle: Bundle = field(default_factory=still_bundle)
    fresh: str = ""
    images: BringingImages | None = None
    """In the place of the part of images, which needs an engine here and there."""

    @property
    def layout(self) -> Layout:
        return Layout(server_name(self.root.name))

    def write(self, **files: str) -> None:
        write_files(self.root, files)

    def wanted(self, agent: str = "", health_timeout_s: float = 30.0) -> Wanted:
        environment = Environments(self.sandbox.home).read(self.sandbox.environment)
        assert environment.server
        environment = replace(environment, server=replace(environment.server, expose=self.expose))
        return read_wanted(
            self.root, self.sandbox.home, environment, SystemClock(), agent=agent, health_timeout_s=health_timeout_s
        )  # fmt: skip

    def over(self, host: Host, wanted: Wanted, watcher: Unwatched | None = None, *, process: str = "") -> Push:
        images = self.images or ImagesPart(wanted.layout, WantedImages(()))
        parts = Parts(
            wanted, self.bundle, log_in_to(self.sandbox), images, guard_after_s=self.guard_after_s,
            fresh=self.fresh or new_ulid(),
        )  # fmt: skip
        lease = Lease(wanted.layout, process=process or this_process(), lasts_s=self.lease_s)
        return Push(host, wanted, parts, lease, Phases(watcher or Unwatched()))

    async def push(
        self, agent: str = "", *, line: Line | None = None, process: str = "", timeout_s: float = 30.0
    ) -> Pushed:
        """Over `line`, else a connection of its own."""
        async with self._host(line) as host:
            push = self.over(host, self.wanted(agent, timeout_s), line, process=process)
            async with push.begun() as begun:
                return await begun.carry_out()

    async def plan(self, agent: str = "") -> Plan:
        async with self._host(None) as host:
            return await self.over(host, self.wanted(agent)).plan()

    async def line(self, cut_at: Step | None = None, how: str = "before") -> Line:
        return Line(await logged_in(self.sandbox), cut_at, how)

    def says(self, line: str) -> str:
        return self.sandbox.says(line)

    @property
    def health(self) -> str:
        return self.says(f"curl -sS --max-time 10 --unix-socket {self.layout.gateway_socket} http://localhost/health")

    @property
    def answers(self) -> bool:
        """Whether a visitor is answered, be it after a while: the port is systemd's."""
        listening = self.says(f"systemctl show --property=Listen --value {self.layout.socket}")
        said = self.says(f"curl -sS --max-time 60 http://{listening.split()[0]}/health")
        return '"status":' in said

    @property
    def current(self) -> str:
        return self.says(f"readlink {self.layout.current}").rpartition("/")[2]

    @property
    def half(self) -> str:
        """What is half there."""
        return self.says(f"ls -A {self.layout.releases} | grep '^[.]' || true")

    @contextlib.asynccontextmanager
    async def _host(self, line: Line | None) -> AsyncIterator[Host]:
        host: Host = line or await logged_in(self.sandbox)
        try:
            yield host
        finally:
            await host.close()


def typed_in(shop: Pushing) -> Freehold:
    """The command in the project's folder, where `hidden` is an environment in which nothing is exposed."""
    folder = shop.sandbox.home / "environments"
    text = (folder / f"{shop.sandbox.environment}.toml").read_text()
    (folder / "hidden.toml").write_text(text.replace("[server]", "[server]\nexpose = false"))
    return replace(shop.sandbox.freehold, project=shop.root)


def project(sandbox: SandboxServer, folder: Path, name: str = "shop", **further: str) -> Pushing:
    made = Pushing(sandbox, folder / name)
    made.root.mkdir(parents=True)
    write_files(made.root, {**PROJECT, **further})
    return made

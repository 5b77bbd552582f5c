"""A program that was put together here runs on a server that has Python and nothing else, and no network."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from freehold.deploy.bundle.bundle import Bundle, installed_bundle
from freehold.deploy.bundle.cache import ProgramCache
from freehold.deploy.facts import gather
from freehold.deploy.image_layers.wanted import WantedImages
from freehold.deploy.images_part import ImagesPart
from freehold.deploy.program_part import ProgramPart
from freehold.hosts.host import Command, RemoteFile
from freehold.hosts.ssh_host import SshHost
from freehold.project.load import load_project
from freehold.runtime.images.inputs import inputs_of
from freehold.server.layout import Layout
from tests.support.sandbox import SandboxServer, sandbox_server
from tests.support.server_parts import on, planned, says, settled

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]
PROGRAMS = "/opt/freehold/programs"
START = """\
set -e
id walker >/dev/null 2>&1 || useradd --create-home walker
cd /home/walker && rm -rf demo .freehold
runuser -u walker -- env -i HOME=/home/walker PATH=/usr/bin:/bin "$0" new demo </dev/null >&2
systemd-run --quiet --unit walker --uid walker --setenv HOME=/home/walker --working-directory /home/walker/demo \
  "$0" start --headless --port 8099 >&2
for i in $(seq 150); do
  if curl -s -m 5 http://127.0.0.1:8099/health | grep '"status":"ok"'; then break; fi
  sleep 0.2
done
systemctl stop walker
"""


NAMES = """
import os, sys
from pathlib import Path
from freehold.project.load import load_project
from freehold.runtime.images.certificates import of_this_host
from freehold.runtime.images.inputs import inputs_of
from freehold.runtime.images.plan import Layering
project = load_project(Path(sys.argv[1]), home=Path("/root"))
layering = Layering(lambda: of_this_host(os.environ))
for agent in project.agents.values():
    print(layering.layers(inputs_of(project, agent), None)[-1].name)
"""
"""As a keeper calls them."""


def images_of(folder: Path, layout: Layout) -> WantedImages:
    """Of a project with a Dockerfile of its own, and agents with and without one."""
    (folder / "config.toml").write_text('[models.m]\nprovider = "rehearsal"\nauthType = "api_key"\n')
    (folder / "Dockerfile").write_text("FROM freehold-agent\nCOPY shared/tool /usr/local/bin/tool\n")
    (folder / "shared").mkdir()
    (folder / "shared/tool").write_text("#!/bin/sh\n")
    (folder / "shared/tool").chmod(0o755)
    for name in ("a", "b"):
        place = folder / "agents" / name
        place.mkdir(parents=True)
        (place / "SKILL.md").write_text(f"---\nname: {name}\ndescription: x\n---\nx\n")
        (place / "rehearsal.yaml").write_text("version: 1\nturns: []\n")
        (place / "config.toml").write_text('schedule = "0 0 * * *"\nmodels = ["m"]\n')
    (folder / "agents/b/note").write_text("x")
    (folder / "agents/b/Dockerfile").write_text("FROM freehold-agent\nCOPY note /etc/note\n")
    project = load_project(folder, home=folder / "home")
    agents = (project.agents["a"], project.agents["b"])
    return WantedImages(tuple(inputs_of(project, agent, layout.project) for agent in agents), "x86_64")


def files_in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


@pytest.fixture(scope="module", params=["12", "13"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    folder = tmp_path_factory.mktemp("program")
    with sandbox_server(folder, "--debian", request.param, called=f"-program{request.param}") as made:
        yield made


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> ProgramCache:
    return ProgramCache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return installed_bundle()


@contextlib.asynccontextmanager
async def without_network(server: SandboxServer) -> AsyncIterator[SshHost]:
    async with on(server) as host:
        route = await says(host, "ip route show default")
        await says(host, "ip route del default")
        try:
            assert (await host.run(Command(("curl", "-sm", "5", "https://pypi.org")))).status != 0
            yield host
        finally:
            await says(host, f"ip route add {route}")


async def test_a_program_is_sent_once_and_serves(server: SandboxServer, bundle: Bundle, cache: ProgramCache) -> None:
    part = ProgramPart(Layout("walk"), bundle, cache)
    async with without_network(server) as host:
        (change,) = await planned(host, part)
        await part.prepare([change])
        assert await settled(host, part) == [change.what]
        assert await settled(host, part) == []
        program = f"{PROGRAMS}/{change.document['digest']}"
        assert await says(host, f"{program}/bin/freehold --version") == f"freehold, version {bundle.version}"
        health = await host.run(Command(("sh", "-c", START, f"{program}/bin/freehold"), timeout_s=120))
        assert health.text, health
        assert await says(host, f"find {program} ! -user root -o ! -type l -perm /022") == ""
        assert await says(host, f"ls -A {PROGRAMS}") == change.document["digest"]


async def test_the_next_version_is_linked_to_the_packages(
    server: SandboxServer, bundle: Bundle, cache: ProgramCache, tmp_path: Path
) -> None:
    async with without_network(server) as host:
        await settled(host, ProgramPart(Layout("walk"), bundle, cache))
        later = ProgramPart(Layout("walk"), replace(bundle, version="9.0"), ProgramCache(tmp_path / "empty"))
        (change,) = await planned(host, later)
        assert change.document["reuse"]
        await settled(host, later)
        assert not (tmp_path / "empty").exists()
        assert (await says(host, f"{PROGRAMS}/{change.document['digest']}/bin/freehold --version")).startswith(
            "freehold"
        )
        assert await later.prune(host) == []
        await says(host, f"touch -d '2 hours ago' {PROGRAMS}/*")
        assert await later.prune(host, keep=[change.document["reuse"]]) == [change.document["digest"]]
        assert await says(host, f"ls -A {PROGRAMS}") == change.document["reuse"]


async def test_images_are_called_there_what_the_laptop_calls_them(
    server: SandboxServer, cache: ProgramCache, tmp_path: Path
) -> None:
    """Else the keeper would build what was sent. Its files are read-only there, and have other owners and times."""
    layout = Layout("walk")
    wanted = images_of(tmp_path, layout)
    async with on(server) as host:
        told = (await gather(host, [ImagesPart(layout, wanted)]))["images"]
        names = wanted.names_there(msgspec.json.decode(told)["authorities"])
        part = ProgramPart(layout, installed_bundle(), cache)  # at once: somebody may work on the program meanwhile
        await settled(host, part)
        files = [RemoteFile(str(path.relative_to(tmp_path)), path, path.stat().st_mode) for path in files_in(tmp_path)]
        await host.put(files, layout.release("01"), as_root=True)
        await says(host, f"chmod -R a-w {layout.release('01')} && ln -sfn releases/01 {layout.current}")
        program = layout.program_folder(part.digest((await gather(host, [part]))["program"]))
        words = ("env", f"FREEHOLD_PROJECT={layout.project}", f"{program}/bin/python", "-I", "-c", NAMES)
        asked = await host.run(Command((*words, layout.current)))
        assert asked.text.splitlines() == [each[-1] for each in names], asked


async def test_cut_off_while_it_is_sent_and_sent_again(
    server: SandboxServer, bundle: Bundle, cache: ProgramCache
) -> None:
    part = ProgramPart(Layout("walk", "/opt/elsewhere"), bundle, cache)
    async with on(server) as host:
        changes = await planned(host, part)
        await part.prepare(changes)
        await says(host, "rm -rf /opt/elsewhere; mkdir -p /opt/elsewhere/programs/.incoming-01/tree/bin")
        assert await settled(host, part) == [changes[0].what]


async def test_a_full_disk_is_told_and_left_as_it_was(
    server: SandboxServer, bundle: Bundle, cache: ProgramCache
) -> None:
    part = ProgramPart(Layout("walk", "/opt/small"), bundle, cache)
    async with on(server) as host:
        await says(host, "mkdir -p /opt/small && mount -t tmpfs -o size=60m none /opt/small")
        try:
            changes = await planned(host, part)
            with pytest.raises(Exception, match=r"no room|No space"):
                await part.carry_out(host, changes)
            assert await says(host, "ls -A /opt/small/programs") == ""
        finally:
            await says(host, "umount /opt/small")

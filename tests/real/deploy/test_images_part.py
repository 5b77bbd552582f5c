"""Images that were made here run on servers, whatever keeps their Docker's images; layers that are there do not travel.

The images are small: what counts is which layers they have, not what is in them.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.facts import gather
from freehold.deploy.image_layers.wanted import WantedImages
from freehold.deploy.images_part import ImagesPart
from freehold.deploy.prune_part import PrunePart
from freehold.hosts.ssh_host import SshHost
from freehold.runtime.images.inputs import ImageInputs
from freehold.runtime.images.layers import Foundation
from freehold.server.layout import Layout
from tests.support.sandbox import SandboxServer, sandbox_server
from tests.support.server_parts import logged_in, on, planned, says, settled

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]
LARGE = 3_000_000
"""Bytes of the lower layer, which cannot be compressed; everything else is a few kB."""
_STORE = '{"features": {"containerd-snapshotter": true}}'
CONTAINERD = f"""\
set -e
systemctl stop docker containerd
printf 'version = 2\\nroot = "/var/lib/docker/below"\\n' > /etc/containerd/config.toml
echo '{_STORE}' > /etc/docker/daemon.json
systemctl start containerd docker
"""
"""An overlay cannot lie on the container's own, but on the sandbox's volume."""


@pytest.fixture(scope="module", params=["12", "13", "13 with containerd"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    version, _, containerd = request.param.partition(" with ")
    called = f"-images{version}{containerd[:1]}"
    with sandbox_server(tmp_path_factory.mktemp("images"), "--debian", version, called=called) as made:
        if containerd:
            made.says(CONTAINERD)
            assert "io.containerd.snapshotter.v1" in made.says("docker", "info", "--format", "{{.DriverStatus}}")
        yield made


@dataclass
class Images:
    """A project `fht-b` whose agents stand on an image of the user's own."""

    folder: Path
    foundation: Foundation
    sent: list[int] = field(default_factory=list)

    def part(self, **agents: str) -> ImagesPart:
        """Agents by what their note says: a layer of their own."""
        found = []
        for name, note in agents.items():
            place = self.folder / "agents" / name
            place.mkdir(parents=True, exist_ok=True)
            (place / "note").write_text(note)
            (place / "Dockerfile").write_text("FROM freehold-agent\nCOPY note /etc/note\n")
            found.append(self._inputs(name, place))
        wanted = WantedImages(tuple(found), os.uname().machine, self.foundation, environment=os.environ)
        return ImagesPart(Layout("fht-b"), wanted, progress=self.sent.append)

    def _inputs(self, name: str, place: Path) -> ImageInputs:
        return ImageInputs(
            "fht-b", name, place, self.folder, place / "Dockerfile", base_image=self.foundation.name
        )  # fmt: skip

    @property
    def bytes_sent(self) -> int:
        """Since it was asked last."""
        sent = max(self.sent, default=0)
        self.sent.clear()
        return sent


@pytest.fixture
def images(tmp_path: Path) -> Iterator[Images]:
    """With its own image below, so that no server has any of it yet."""
    name = f"fht-b-foundation:{secrets.token_hex(4)}"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        users = b"root:x:0:0::/:/bin/sh\nnode:x:1000:1000::/:/bin/sh\n"
        for path, content in (("large", secrets.token_bytes(LARGE)), ("etc/passwd", users)):
            header = tarfile.TarInfo(path)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    labels = ("--change", "LABEL dev.freehold.kind=base dev.freehold.inputs=fht-b")
    made = subprocess.run(["docker", "import", *labels, "-", name], input=buffer.getvalue(), capture_output=True)
    assert made.returncode == 0, made.stderr
    yield Images(tmp_path, Foundation(name, made.stdout.decode().strip()))
    listed = subprocess.run(["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"], capture_output=True)
    ours = [each for each in listed.stdout.decode().split() if each.startswith(("freehold-fht-b-", name))]
    subprocess.run(["docker", "image", "rm", *ours], capture_output=True, check=True)


async def notes(host: SshHost, image: str) -> str:
    """What the file says that the agent's own layer brought."""
    line = f"set -e; made=$(docker create {image}); docker cp -q $made:/etc/note /tmp/note >/dev/null 2>&1 || "
    return await says(host, line + "docker cp $made:/etc/note /tmp/note; docker rm $made >/dev/null; cat /tmp/note")


async def test_images_are_sent_once_and_then_their_own_layers(server: SandboxServer, images: Images) -> None:
    stripped = "containerd" not in server.says("docker", "info", "--format", "{{.DriverStatus}}")
    async with on(server) as host:
        (change,) = await planned(host, images.part(dev="one", ops="two"))
        assert await settled(host, images.part(dev="one", ops="two")) == ["send 2 images"]
        assert LARGE < images.bytes_sent < LARGE + 100_000, "what both stand on travels once"
        assert [await notes(host, image) for image in change.detail] == ["one", "two"]
        assert await settled(host, images.part(dev="one", ops="two")) == []
        assert await settled(host, images.part(dev="another", ops="two")) == ["send 1 image"]
        sent = images.bytes_sent
        assert sent < 100_000 if stripped else sent > LARGE, sent
        (image,) = [image for image in (await says(host, "docker image ls --format '{{.Repository}}:{{.Tag}}'")).split()
                    if image.startswith("freehold-fht-b-dev:") and image not in change.detail]  # fmt: skip
        assert await notes(host, image) == "another"


async def test_images_go_with_the_last_release_that_needs_them(server: SandboxServer, images: Images) -> None:
    old, new = (f"{number:026d}" for number in (1, 2))
    async with on(server) as host:
        before = await release(host, images.part(dev="of before"), old)
        now = await release(host, images.part(dev="of now", ops="of now"), new)
        assert before | now <= await names_there(host)
        (ops,) = (name for name in now if "-ops:" in name)
        container = await says(host, f"docker create {ops}")
        await PrunePart(Layout("fht-b")).remove(host, [old])
        assert (before | now) & await names_there(host) == now
        await PrunePart(Layout("fht-b")).remove(host, [new])
        assert (before | now) & await names_there(host) == {ops}, "a container has it"
        await says(host, f"docker rm {container}; docker image rm {ops}")


async def release(host: SshHost, part: ImagesPart, name: str) -> set[str]:
    """As a push leaves one behind, as far as images go; which it needs."""
    await settled(host, part)
    needed = part.needed((await gather(host, [part]))["images"])
    folder = f"/opt/freehold/fht-b/releases/{name}/.freehold"
    record = json.dumps({"id": name, "images": needed})
    await says(host, f"mkdir -p {folder} && echo '{record}' > {folder}/release.json")
    return set(needed)


async def names_there(host: SshHost) -> set[str]:
    return set((await says(host, "docker image ls --format '{{.Repository}}:{{.Tag}}'")).split())


async def test_cut_off_half_way_nothing_is_there_and_the_next_push_repairs(
    server: SandboxServer, images: Images
) -> None:
    part = images.part(dev="cut")
    host = await logged_in(server)
    changes = await planned(host, part)
    await part.prepare(changes)

    def cut(_sent: int) -> None:
        host._connection.abort()

    with pytest.raises(FreeholdError) as caught:
        await ImagesPart(part.layout, part.wanted, progress=cut).carry_out(host, changes)
    assert caught.value.code is Code.UNREACHABLE
    await host.close()
    async with on(server) as again:
        assert await says(again, "docker image ls --quiet --filter dangling=true") == ""
        assert await settled(again, part) == ["send 1 image"]


async def test_a_layer_that_went_away_meanwhile_is_sent_after_all(server: SandboxServer, images: Images) -> None:
    async with on(server) as host:
        await settled(host, images.part(dev="first"))
        assert images.bytes_sent > LARGE
        part = images.part(dev="second")
        changes = await planned(host, part)
        await part.prepare(changes)

        def forget(sent: int) -> None:
            images.sent.append(sent)
            if len(images.sent) == 1:
                server.says("docker image rm $(docker image ls --quiet --filter label=dev.freehold.inputs)")

        await ImagesPart(part.layout, part.wanted, progress=forget).carry_out(host, changes)
        assert await planned(host, part) == ()


@pytest.mark.parametrize("server", ["12", "13"], indirect=True)
async def test_a_disk_that_is_full_is_told(server: SandboxServer, images: Images) -> None:
    """Not with containerd: it unpacks nothing beside its own folder, which cannot be made small alone."""
    async with on(server) as host:
        tmp = await says(host, "docker info --format '{{.DockerRootDir}}'")
        await says(host, f"mkdir -p {tmp}/tmp && mount -t tmpfs -o size=1m none {tmp}/tmp")
        try:
            with pytest.raises(FreeholdError) as caught:
                await settled(host, images.part(dev="full"))
            assert caught.value.code is Code.DISK
        finally:
            await says(host, f"umount {tmp}/tmp")

"""What of a saved image travels, and how Docker on a server is told."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import io
import json
import socket
import tarfile
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.image_layers.docker_here import compressed
from freehold.deploy.image_layers.docker_there import load_images
from freehold.deploy.image_layers.layers import blobs_there, chain_ids, members_there
from freehold.deploy.image_layers.place import SOCKET
from freehold.deploy.image_layers.saved_archive import SavedArchive
from freehold.deploy.image_layers.wanted import WantedImages, wanted_images
from freehold.deploy.images_part import ImagesPart
from freehold.deploy.remote import images as remote
from freehold.deploy.remote import program_text
from freehold.hosts.fake_host import FakeHost
from freehold.hosts.local_host import LocalHost
from freehold.hosts.script import run_script
from freehold.project.load import Project, load_project
from freehold.runtime.images.certificates import certificates, of_this_host
from freehold.runtime.images.inputs import ImageInputs
from freehold.runtime.images.layers import Foundation
from freehold.server.layout import Layout
from tests.support.server_parts import raw

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")


def chain(*layers: str) -> str:
    return list(chain_ids(layers))[-1]


def test_a_layer_on_others_is_another_layer() -> None:
    """The image specification's own example: the chain of two is the digest of both."""
    assert list(chain_ids([A])) == [A]
    assert chain(A, B) == "sha256:" + hashlib.sha256(f"{A} {B}".encode()).hexdigest()
    assert chain(A, B) != chain(B, A)
    assert set(chain_ids([A, B, C])) == remote.chain_ids([A, B, C])


def described(*images: tuple[list[str], list[str]]) -> dict[str, bytes]:
    """The small members of an archive; each image by its layers and the members that hold them."""
    manifest = [{"Config": f"{n}.json", "Layers": members} for n, (_, members) in enumerate(images)]
    configs = {f"{n}.json": json.dumps({"rootfs": {"diff_ids": ids}}).encode() for n, (ids, _) in enumerate(images)}
    return {"manifest.json": json.dumps(manifest).encode(), **configs}


@pytest.mark.parametrize(
    ("there", "dropped"),
    [
        (set(), set()),
        ({A}, {"a"}),
        ({A, chain(A, B)}, {"a", "b"}),
        ({A, chain(A, B), chain(A, B, C)}, {"a", "b", "c"}),
        ({B, C}, set()),
        ({chain(A, C)}, set()),
    ],
)
def test_what_is_there_does_not_travel(there: set[str], dropped: set[str]) -> None:
    assert members_there(described(([A, B, C], ["a", "b", "c"])), {}, there) == dropped


def test_a_layer_that_one_image_needs_travels_for_it() -> None:
    small = described(([A, B], ["a", "b"]), ([B], ["b"]))
    assert members_there(small, {}, {A, chain(A, B)}) == {"a"}


@pytest.mark.parametrize(
    ("images", "there", "dropped"),
    [
        ([[A, B]], set(), set()),
        ([[A, B]], {A}, {"a"}),
        ([[A, B], [B]], {A, chain(A, B)}, {"a"}),
        ([[A, B, A]], {A, chain(A, B)}, {"b"}),
        ([[A, B], [A, C]], {A, chain(A, C)}, {"a", "c"}),
    ],
)
def test_archives_that_call_layers_by_their_digests(
    images: list[list[str]], there: set[str], dropped: set[str]
) -> None:
    assert blobs_there(images, there) == {f"blobs/sha256/{letter * 64}" for letter in dropped}


def test_what_a_link_leads_to_travels_too() -> None:
    """Docker before 25 saves a layer that stands twice in an image, on different ones, once."""
    small = described(([A, B, A], ["1/layer.tar", "2/layer.tar", "3/layer.tar"]))
    links = {"3/layer.tar": "../1/layer.tar"}
    assert members_there(small, links, {A, chain(A, B)}) == {"2/layer.tar"}


@pytest.mark.parametrize(
    "small",
    [
        {},
        {"manifest.json": b"{"},
        {"manifest.json": b'[{"Config":"x","Layers":[]}]'},
        {"manifest.json": b'[{"Config":"x","Layers":["a"]}]', "x": b'{"rootfs":{"diff_ids":[]}}'},
        {"manifest.json": b"[1]"},
    ],
)
def test_an_archive_that_is_not_known_is_not_guessed_at(small: dict[str, bytes]) -> None:
    with pytest.raises(FreeholdError) as caught:
        members_there(small, {}, set())
    assert caught.value.code is Code.PROTOCOL


def archive(members: dict[str, bytes], links: dict[str, str], form: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as made:
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            header.mtime = 0 if form == tarfile.GNU_FORMAT else 0.5
            made.addfile(header, io.BytesIO(content))
        for name, target in links.items():
            header = tarfile.TarInfo(name)
            header.type, header.linkname = tarfile.SYMTYPE, target
            made.addfile(header)
    return buffer.getvalue()


def fed(thinned: SavedArchive, data: bytes, piece: int) -> bytes:
    out = b"".join(thinned.feed(data[at : at + piece]) for at in range(0, len(data), piece))
    thinned.end()
    return out


_NAMES = st.text("ab/é", min_size=1, max_size=4).map(lambda text: f"n{text}/x")
_MEMBERS = st.dictionaries(st.one_of(_NAMES, st.just("l" * 150), st.just("é" * 120)), st.binary(max_size=1500))


@given(_MEMBERS, st.sets(_NAMES), st.integers(1, 3000), st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
def test_an_archive_is_thinned_whatever_its_pieces(
    members: dict[str, bytes], without: set[str], piece: int, form: int
) -> None:
    links = {"link": "../" + "t" * 130}
    thinned = SavedArchive(without)
    with tarfile.open(fileobj=io.BytesIO(fed(thinned, archive(members, links, form), piece))) as read:
        found = {entry.name: file.read() for entry in read if (file := entry.isreg() and read.extractfile(entry))}
    assert found == {name: content for name, content in members.items() if name not in without}
    assert thinned.small == {name: content for name, content in members.items() if content}
    assert thinned.links == links


@pytest.mark.parametrize("cut", [100, 512, 700, 1500])
def test_an_archive_that_ends_early_is_told(cut: int) -> None:
    data = archive({"l" * 150: b"x" * 1000}, {}, tarfile.GNU_FORMAT)
    with pytest.raises(FreeholdError) as caught:
        fed(SavedArchive(), data[:cut], 4096)
    assert caught.value.code is Code.PROTOCOL


def test_what_is_no_archive_is_told() -> None:
    with pytest.raises(FreeholdError) as caught:
        SavedArchive().feed(b"<html>" * 200)
    assert caught.value.code is Code.PROTOCOL


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


async def test_what_travels_is_compressed_and_counted() -> None:
    told: list[int] = []
    packed = b"".join([piece async for piece in compressed(pieces(b"a" * 1000, bytes(range(256)) * 400), told.append)])
    assert gzip.decompress(packed) == b"a" * 1000 + bytes(range(256)) * 400
    assert told
    assert told == sorted(told)


def docker(answer: bytes, *, after: int = 1 << 30) -> Callable[[socket.socket], None]:
    """Docker there, which answers when it has read the request, or so many bytes of it."""

    def serve(connection: socket.socket) -> None:
        read = b""
        with connection:
            while not read.endswith(b"0\r\n\r\n") and len(read) < after:
                piece = connection.recv(65536)
                if not piece:
                    return
                read = (read + piece)[-after:] if after < 1 << 30 else read + piece
            with contextlib.suppress(ConnectionError):  # who has heard enough hangs up
                connection.sendall(answer)

    return lambda connection: threading.Thread(target=serve, args=(connection,), daemon=True).start()


def answered(status: str, body: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


async def test_an_image_that_docker_took() -> None:
    host = FakeHost(sockets={SOCKET: docker(answered("200 OK", '{"stream":"Loaded image: a:1\\n"}\r\n'))})
    await load_images(host, pieces(b"x" * 100_000, b"y"))


@pytest.mark.parametrize(
    ("answer", "after", "code", "part"),
    [
        (
            answered("200 OK", '{"stream":"x"}\n{"errorDetail":{},"error":"open x"}'),
            1 << 30,
            Code.IMAGE,
            "open x",
        ),
        (answered("200 OK", '{"error":"write /a: no space left on device"}'), 1 << 30, Code.DISK, "no space"),
        (answered("500 Internal", '{"message":"it is broken"}'), 1 << 30, Code.IMAGE, "it is broken"),
        (answered("500 Internal", "no JSON"), 1 << 30, Code.IMAGE, "500"),
        (answered("200 OK", '{"stream":"x"}' * 1_000_000), 1 << 30, Code.UNREACHABLE, "no end"),
        (b"", 1 << 30, Code.UNREACHABLE, "broke"),
        (b"SSH-2.0\r\n\r\n", 1 << 30, Code.UNREACHABLE, "broke"),
    ],
)
async def test_an_image_that_docker_did_not_take(answer: bytes, after: int, code: Code, part: str) -> None:
    host = FakeHost(sockets={SOCKET: docker(answer, after=after)})
    with pytest.raises(FreeholdError) as caught:
        await load_images(host, pieces(b"x" * 1000))
    assert caught.value.code is code
    assert part in caught.value.message


async def test_docker_that_goes_away_meanwhile() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536
            await asyncio.sleep(0)

    host = FakeHost(sockets={SOCKET: docker(b"", after=100_000)})
    with pytest.raises(FreeholdError) as caught:
        await load_images(host, endless())
    assert caught.value.code is Code.UNREACHABLE
    assert "Push again" in caught.value.hint


async def test_a_server_without_docker_has_no_images(tmp_path: Path) -> None:
    read = f"{program_text('images')}\ndef main(asked): return read(asked)\n"
    answer = await run_script(LocalHost(), "images", read, {"docker": str(tmp_path / "no.sock")}, dict[str, object])
    assert answer["names"] == []
    with pytest.raises(FreeholdError) as caught:
        await run_script(LocalHost(), "images", program_text("images"), {"docker": str(tmp_path / "no.sock")}, object)
    assert caught.value.code is Code.UNREACHABLE


def inputs(folder: Path, *agents: str, dockerfile: str = "FROM freehold-agent\nCOPY note /etc/note\n") -> WantedImages:
    found = []
    for agent in agents:
        place = folder / "agents" / agent
        place.mkdir(parents=True)
        (place / "note").write_text(agent)
        (place / "Dockerfile").write_text(dockerfile)
        found.append(ImageInputs("shop", agent, place, folder, place / "Dockerfile"))
    return WantedImages(tuple(found), "x86_64")


def facts(names: list[str], architecture: str = "x86_64", authorities: list[str] | None = None) -> object:
    return {"architecture": architecture, "names": names, "authorities": authorities or []}


def test_only_what_is_missing_is_sent(tmp_path: Path) -> None:
    wanted = inputs(tmp_path, "dev", "ops")
    part = ImagesPart(Layout("shop"), wanted)
    (base, dev), (_, ops) = wanted.names_there([])
    assert dev.startswith("freehold-shop-dev:")
    (change,) = part.plan(raw(facts([])))
    assert change.what == "send 2 images"
    assert change.detail == (dev, ops)
    (change,) = part.plan(raw(facts([base, dev])))
    assert change.what == "send 1 image"
    assert change.document["needed"] == [ops]
    assert part.plan(raw(facts([dev, ops]))) == ()


def test_what_a_release_needs_is_all_but_what_is_the_users_own(tmp_path: Path) -> None:
    wanted = inputs(tmp_path, "dev", "ops")
    (base, dev), (_, ops) = wanted.names_there([])
    assert ImagesPart(Layout("shop"), wanted).needed(raw(facts([]))) == tuple(sorted((base, dev, ops)))
    own = WantedImages(wanted.agents, "x86_64", Foundation("ours:1", "sha256:1"))
    assert [name.partition(":")[0] for name in ImagesPart(Layout("shop"), own).needed(raw(facts([])))] == [
        "freehold-shop-dev", "freehold-shop-ops",
    ]  # fmt: skip
    assert ImagesPart(Layout("shop"), WantedImages(())).needed(raw(None)) == ()


def test_images_are_called_as_the_keeper_there_calls_them(tmp_path: Path) -> None:
    """What a server trusts besides Debian's own authorities is a part of the base image's name, and of all on it."""
    wanted = inputs(tmp_path, "dev")
    own = "AAAA"
    ((base, dev),) = wanted.names_there([])
    ((other_base, other_dev),) = wanted.names_there([own])
    assert base != other_base
    assert dev != other_dev
    (change,) = ImagesPart(Layout("shop"), wanted).plan(raw(facts([base, dev], authorities=[own])))
    ((base_here, dev_here),) = wanted.names_here()
    assert change.document["names"] == {base_here: other_base, dev_here: other_dev}


def test_names_here_are_those_of_this_host(tmp_path: Path) -> None:
    import base64

    wanted = inputs(tmp_path, "dev")
    trusted = [der for pem in of_this_host({}).values() for der in certificates(pem)]
    assert wanted.names_here() == wanted.names_there([base64.b64encode(der).decode() for der in trusted])


@pytest.mark.parametrize(
    ("architecture", "problem", "why"),
    [
        ("aarch64", "", "for x86_64, the server is aarch64"),
        ("x86_64", "Docker is not running.", "Docker is not running."),
    ],
)
async def test_what_cannot_be_made_here_is_made_there(
    architecture: str, problem: str, why: str, tmp_path: Path
) -> None:
    found = inputs(tmp_path, "dev")
    part = ImagesPart(Layout("shop"), WantedImages(found.agents, "x86_64", problem=problem))
    (change,) = part.plan(raw(facts([], architecture)))
    assert change.what == "let the server build 1 image, for which it needs the internet"
    assert why in change.detail[0]
    await part.prepare([change])
    await part.carry_out(FakeHost(), [change])


def test_a_dockerfile_that_is_wrong_stops_a_push_before_it_begins(tmp_path: Path) -> None:
    wanted = inputs(tmp_path, "dev", dockerfile="FROM alpine\n")
    with pytest.raises(FreeholdError) as caught:
        ImagesPart(Layout("shop"), wanted).plan(raw(facts([])))
    assert caught.value.code is Code.CONFIG


def project_with(folder: Path, **agents: str) -> Project:
    """Agents by what their configuration says besides."""
    (folder / "config.toml").write_text('[models.m]\nprovider = "rehearsal"\nauthType = "api_key"\n')
    for name, settings in agents.items():
        place = folder / "agents" / name
        place.mkdir(parents=True)
        (place / "SKILL.md").write_text(f"---\nname: {name}\ndescription: x\n---\nx\n")
        (place / "rehearsal.yaml").write_text("version: 1\nturns: []\n")
        (place / "config.toml").write_text(f'schedule = "0 0 * * *"\nmodels = ["m"]\n{settings}\n')
    project = load_project(folder, home=folder / "home")
    assert not project.broken
    return project


async def test_agents_that_need_no_image_of_the_server(tmp_path: Path) -> None:
    project = project_with(tmp_path, off="scale = 0", host='[runtime]\ntype = "host-user"')
    wanted = await wanted_images(project, "shop")
    assert wanted.agents == ()
    assert ImagesPart(Layout("shop"), wanted).plan(raw(facts([]))) == ()


async def test_without_docker_here_it_is_told(tmp_path: Path) -> None:
    project = project_with(tmp_path, dev="", ops="")
    nowhere = {"DOCKER_HOST": f"unix://{tmp_path}/no.sock"}
    wanted = await wanted_images(project, "shop", ["dev"], nowhere)
    assert [(each.project, each.agent) for each in wanted.agents] == [("shop", "dev")]
    assert wanted.problem
    assert len((await wanted_images(project, "shop", environment=nowhere)).agents) == 2

"""Images of releases that are gone: which of them a server keeps, asked of a Docker that is a list."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.remote_program import remote_program

A, B, C, D = (f"0{number}".rjust(26, "0") for number in (1, 2, 3, 4))


def image(name: str, kind: str, layers: str, project: str = "", also: tuple[str, ...] = ()) -> dict[str, Any]:
    labels = {"dev.freehold.kind": kind, **({"dev.freehold.project": project} if project else {})}
    return {
        "Id": f"sha256:{name}", "RepoTags": [name, *also], "Config": {"Labels": labels},
        "RootFS": {"Layers": list(layers)},
    }  # fmt: skip


class Docker:
    """`images`, the oldest first; `used` by containers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.images: list[dict[str, Any]] = []
        self.used: list[str] = []
        docker = self

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = unquote(urlsplit(self.path).path)
                if path == "/images/json":
                    said: Any = [{"Id": one["Id"], "Created": at} for at, one in enumerate(docker.images)][::-1]
                elif path == "/containers/json":
                    said = [{"ImageID": f"sha256:{name}"} for name in docker.used]
                else:
                    name = path.removeprefix("/images/").removesuffix("/json")
                    said = next(one for one in docker.images if one["Id"] == name)
                self._say(said)

            def do_DELETE(self) -> None:
                name = unquote(self.path).removeprefix("/images/")
                for one in docker.images:
                    one["RepoTags"] = [each for each in one["RepoTags"] if each != name]
                docker.images = [one for one in docker.images if one["RepoTags"]]
                self._say([])

            def _say(self, said: Any) -> None:
                body = json.dumps(said).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def address_string(self) -> str:
                return "local"

            def log_message(self, *_: Any) -> None:
                pass

        self._server = socketserver.ThreadingUnixStreamServer(str(path), Answers)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def names(self) -> list[str]:
        return sorted(name for one in self.images for name in one["RepoTags"])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.path.unlink(missing_ok=True)


class Server:
    def __init__(self, root: Path, docker: Docker) -> None:
        self.root = root
        self.docker = docker

    @property
    def releases(self) -> Path:
        return self.root / "shop" / "releases"

    def release(self, release: str, *images: str, project: str = "shop", told: bool = True) -> None:
        record = self.root / project / "releases" / release / ".freehold" / "release.json"
        record.parent.mkdir(parents=True)
        record.write_text(json.dumps({"id": release, **({"images": images} if told else {})}))

    def prune(self, *releases: str) -> None:
        told = {
            "releases": str(self.releases), "current": str(self.root / "shop" / "current"), "remove": releases,
            "docker": str(self.docker.path),
        }  # fmt: skip
        remote_program("images", "unneeded_images", "prune")["main"](told)

    @property
    def there(self) -> list[str]:
        return sorted(path.name for path in self.releases.iterdir())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    docker = Docker(tmp_path / "docker.sock")
    docker.images = [
        image("freehold-agent:old", "base", "a"),
        image("freehold-agent:new", "base", "b", also=("freehold-agent:latest",)),
        image("freehold-shop-dev:1", "agent", "ac", "shop", also=("freehold-shop-dev:latest",)),
        image("freehold-shop-dev:2", "agent", "bc", "shop"),
        image("freehold-blog-dev:1", "agent", "ad", "blog"),
    ]
    yield Server(tmp_path / "opt", docker)
    docker.close()


FIRST = ("freehold-agent:old", "freehold-shop-dev:1")
SECOND = ("freehold-agent:new", "freehold-shop-dev:2")
ALL = [
    "freehold-agent:latest", "freehold-agent:new", "freehold-agent:old", "freehold-blog-dev:1", "freehold-shop-dev:1",
    "freehold-shop-dev:2", "freehold-shop-dev:latest",
]  # fmt: skip


def test_with_a_release_go_the_images_that_it_alone_needs(server: Server) -> None:
    server.release(A, *FIRST)
    server.release(B, *SECOND)
    server.docker.images.pop()  # another project's, which stands on the old one
    server.prune(A)
    assert server.there == [B]
    assert server.docker.names == ["freehold-agent:latest", *sorted(SECOND)]


def test_images_with_the_same_layers_do_not_stand_on_each_other(server: Server) -> None:
    server.docker.images += [image("freehold-shop-ops:1", "agent", "ac", "shop")]
    server.release(A, *FIRST)
    server.release(B, *SECOND, "freehold-shop-ops:1")
    server.prune(A)
    assert {"freehold-shop-dev:1", "freehold-shop-dev:latest"} & set(server.docker.names) == set()
    assert {"freehold-shop-ops:1", "freehold-agent:old"} <= set(server.docker.names)


def test_an_image_that_adds_no_layer_stands_on_its_own_all_the_same(server: Server) -> None:
    server.docker.images[4] = image("freehold-blog-dev:1", "agent", "a", "blog")
    server.release(A, *FIRST)
    server.release(B, *SECOND)
    server.prune(A)
    assert "freehold-agent:old" in server.docker.names


def test_what_another_projects_image_stands_on_stays(server: Server) -> None:
    server.release(A, *FIRST)
    server.release(B, *SECOND)
    server.prune(A)
    assert server.docker.names == ["freehold-agent:latest", "freehold-agent:new", "freehold-agent:old",
                                   "freehold-blog-dev:1", "freehold-shop-dev:2"]  # fmt: skip


@pytest.mark.parametrize(
    ("other", "goes"),
    [
        ({"images": ("freehold-agent:old",)}, ["freehold-shop-dev:1", "freehold-shop-dev:latest"]),
        ({"images": (), "told": False}, ["freehold-shop-dev:1", "freehold-shop-dev:latest"]),
        ({"images": ()}, ["freehold-agent:old", "freehold-shop-dev:1", "freehold-shop-dev:latest"]),
    ],
)
def test_what_another_project_needs_or_may_need_stays(server: Server, other: Any, goes: list[str]) -> None:
    server.docker.images.pop()
    server.release(A, *FIRST)
    server.release(B, *SECOND)
    server.release(C, *other.pop("images"), project="blog", **other)
    server.prune(A)
    assert server.docker.names == [name for name in ALL if name not in (*goes, "freehold-blog-dev:1")]


def test_what_a_kept_release_or_a_container_needs_stays(server: Server) -> None:
    server.release(A, *FIRST)
    server.release(B, *FIRST)
    server.release(C, *SECOND)
    server.release(D, *SECOND)
    server.prune(A)
    assert server.docker.names == ALL
    server.docker.used = ["freehold-shop-dev:1"]
    server.prune(B)
    assert (server.there, server.docker.names) == ([C, D], ALL)


def test_another_projects_image_never_goes_even_when_a_release_lists_it(server: Server) -> None:
    server.release(A, "freehold-blog-dev:1")
    server.release(B, *SECOND)
    server.prune(A)
    assert server.docker.names == ALL


def test_releases_of_before_did_not_say_what_they_need(server: Server) -> None:
    server.release(A, *FIRST)
    server.release(B, told=False)
    server.prune(A)
    assert (server.there, server.docker.names) == ([B], ALL)


def test_without_docker_it_is_tried_again(server: Server) -> None:
    server.release(A, *FIRST)
    server.release(B, *SECOND)
    path = server.docker.path
    beside = path.with_name("away")
    path.rename(beside)
    server.prune(A)
    assert server.there == [f".removing-{A}", B]
    beside.rename(path)
    server.prune()
    assert server.there == [B]
    assert "freehold-shop-dev:1" not in server.docker.names

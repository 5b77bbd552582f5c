"""A server that was there before: what would change is listed, HTTPS comes later, a teardown leaves the server."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.clouds import keep_model_key
from tests.support.folders import one_agent, write_files
from tests.support.program import Freehold
from tests.support.sandbox import SandboxServer, sandbox_server

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]

HOST = "app.example.com"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """As providers hand it out: neither Docker nor a firewall."""
    with sandbox_server(tmp_path_factory.mktemp("plain"), "--plain", called="-plain") as server:
        yield server


@pytest.fixture(scope="module")
def shop(plain: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Freehold:
    """A project, beside a home that knows the server's key and nothing else of it."""
    project = write_files(tmp_path_factory.mktemp("work") / "shop", one_agent())
    keep_model_key(plain.home)
    return Freehold(project, plain.home)


def test_every_change_is_listed_before_it_is_agreed_to(plain: SandboxServer, shop: Freehold) -> None:
    before = plain.says("dpkg-query -W -f '${Package} ' ; ls -R /etc | md5sum")
    words = ("env", "prov", "mine", "--provider", "existing", "--host", f"root@{plain.address}", "--yes")
    asked = shop("env", "prov", "mine", *words[3:-1])
    assert asked.returncode == 2
    assert "give --yes to agree" in asked.stderr
    assert not (plain.home / "environments/mine.toml").exists()
    begun = shop(*words, "--host-key", "SHA256:" + "a" * 43)
    assert begun.returncode == 1, "another host key than was named"
    listed = shop("env", "prov", "mine", "--host-key", "first")
    assert listed.returncode == 2, listed.stderr
    assert "On this server, the following would be changed:" in listed.stderr
    assert "docker.io" in listed.stderr
    assert "give --yes to agree" in listed.stderr
    assert plain.says("dpkg-query -W -f '${Package} ' ; ls -R /etc | md5sum") == before


def test_what_was_listed_is_done_and_the_server_is_right_then(plain: SandboxServer, shop: Freehold) -> None:
    ready = shop("env", "prov", "mine", "--yes")
    assert ready.returncode == 0, ready.stderr
    assert f"root@{plain.address}" in ready.stderr
    checked = shop("env", "check", "mine")
    assert "✗" not in checked.stdout, checked.stdout
    again = shop("env", "prov", "mine")
    assert (again.returncode, "would be changed" in again.stderr) == (0, False)


def test_https_comes_later_with_a_certificate_of_ones_own(plain: SandboxServer, shop: Freehold, tmp_path: Path) -> None:
    authority, other = Authority(tmp_path), Authority(_new(tmp_path / "other"))
    both = authority.certificate(HOST)
    (tmp_path / "wrong.pem").write_bytes(other.certificate(HOST).read_bytes())
    words = ("env", "https", "mine", HOST, "--key", str(both))
    refused = shop(*words, "--cert", str(tmp_path / "wrong.pem"))
    assert refused.returncode == 4
    assert "the key is not the certificate's" in refused.stderr
    placed = shop(*words, "--cert", str(both))
    assert placed.returncode == 0, placed.stderr
    pushed = shop("push", "-E", "mine", "--yes")
    assert pushed.returncode == 0, pushed.stderr
    with socket.create_connection((plain.address, 443), 20) as line:
        context = ssl.create_default_context(cafile=str(authority.bundle))
        with context.wrap_socket(line, server_hostname=HOST) as tls:
            tls.sendall(f"GET /health HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
            assert tls.recv(64).startswith(b"HTTP/1.1 200")


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_another_project_there_is_left_alone_and_a_teardown_leaves_the_server(
    plain: SandboxServer, shop: Freehold, tmp_path: Path
) -> None:
    blog = Freehold(write_files(tmp_path / "blog", one_agent()), plain.home)
    # The same server by another name; without an edge, for which it would need a host name of its own.
    mine = (plain.home / "environments/mine.toml").read_text().partition("[provision]")[0]
    second = mine.replace(f'hostname = "{HOST}"\n', "expose = false\n")
    (plain.home / "environments/second.toml").write_text(second)
    pushed = blog("push", "-E", "second", "--yes")
    assert pushed.returncode == 0, pushed.stderr

    gone = shop("env", "deprov", "mine", "--yes", "--json")
    told = json.loads(gone.stdout)
    assert (gone.returncode, told["left"], told["forgotten"]) == (0, [], False), gone.stderr
    assert "project shop on the server: nothing is left" in told["proven"]
    assert any("other projects on the server: blog" in text for text in told["stays"])
    assert (
        plain.says("systemctl is-active freehold@blog.service freehold-keeper@blog.service").split() == ["active"] * 2
    )
    assert plain.says("ls /opt/freehold") == "blog\nprograms"

    last = blog("env", "deprov", "second", "--yes", "--json")
    told = json.loads(last.stdout)
    assert (last.returncode, told["left"], told["forgotten"]) == (0, [], True), last.stderr
    everything = (
        "find / -xdev -path /proc -prune -o -path '*freehold*' -print | grep -E 'shop|blog|programs|edge.d|tls/'"
    )
    assert plain.run(f"{everything}; getent passwd | grep fh-; getent group | grep fh-; true").stdout == ""
    assert plain.says("systemctl list-units --all --no-legend 'freehold*@*'; docker ps -aq; docker volume ls -q") == ""
    listening = plain.says("ss -Hltn | awk '{print $4}'")
    assert ":443" not in listening
    assert ":80" not in listening

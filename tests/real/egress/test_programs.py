"""Real programs on the whole path: loopback port of the runner, run socket, proxy, and a server outside.

What an agent's tools do without being told anything but the environment of a run.
"""

import asyncio
import contextlib
import functools
import getpass
import http.server
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from freehold.egress.dialer import Dialer
from freehold.egress.proxy import EgressProxy
from freehold.egress.resolver import Endpoint
from freehold.egress.rules import allow_list
from freehold.keeper.run_socket import RunSocket
from freehold.project.egress import PACKAGE_REGISTRIES
from freehold.runner.forward import Forwarder
from tests.support.certificates import Authority
from tests.support.run_world import RunWorld, run_world

RULES = allow_list("dev", egress=["git.test"], registries=PACKAGE_REGISTRIES, ssh=True)
SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[RunWorld]:
    async with run_world(tmp_path, rules=RULES) as made:
        yield made


@pytest.fixture
async def proxy_port(world: RunWorld) -> AsyncIterator[int]:
    forwarder = Forwarder(world.path)
    yield await forwarder.listen(0)
    await forwarder.close()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A bare repository with one commit, and what serving it as plain files needs."""
    work, bare = tmp_path / "work", tmp_path / "served" / "repo.git"
    author = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    for command in (
        ["git", "init", "-q", "-b", "main", str(work)],
        ["git", *author, "-C", str(work), "commit", "-q", "--allow-empty", "-m", "first"],
        ["git", "clone", "-q", "--bare", str(work), str(bare)],
        ["git", "-C", str(bare), "update-server-info"],
    ):
        subprocess.run(command, check=True)
    return bare


@pytest.fixture
async def https_server(world: RunWorld, repository: Path, authority: Authority) -> AsyncIterator[None]:
    """Serves the folder of the repository as https://git.test/."""
    handler = functools.partial(QuietHandler, directory=str(repository.parent))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.socket = authority.server_context("git.test").wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    world.outside.resolver.table["git.test"] = [Endpoint("127.0.0.1", server.server_address[1])]
    yield
    await asyncio.to_thread(server.shutdown)
    server.server_close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


async def run(
    *command: str, port: int, trust: Path | None = None, more: Mapping[str, str] = MappingProxyType({})
) -> tuple[int, str]:
    """Exit code and output of a program in the environment of a run."""
    proxy = f"http://127.0.0.1:{port}"
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy)
    environment |= {"NO_PROXY": "localhost,127.0.0.1,::1", "GIT_TERMINAL_PROMPT": "0", "LANG": "C.UTF-8", **more}
    if trust is not None:
        environment |= {"CURL_CA_BUNDLE": str(trust), "GIT_SSL_CAINFO": str(trust)}
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    async with asyncio.timeout(120):
        output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode("utf-8", "replace")


@pytest.fixture
async def internet(tmp_path: Path) -> AsyncIterator[tuple[RunWorld, int]]:
    """The same path with the dialer as it is outside tests, on a machine that reaches the registries."""
    try:
        connection = await Dialer().dial("pypi.org", 443)
    except Exception as error:
        pytest.skip(f"the package registries are not reached from here: {error}")
    connection.close()
    async with run_world(tmp_path, rules=RULES) as made:
        proxy = EgressProxy(RULES, made.outside.tell, dialer=Dialer())
        made.outside.proxy = proxy
        newer: RunSocket = made.make()
        await newer.open()
        forwarder = Forwarder(made.path)
        yield made, await forwarder.listen(0)
        await forwarder.close()
        await newer.close()


@pytest.mark.usefixtures("https_server")
async def test_curl_reaches_what_is_allowed(world: RunWorld, proxy_port: int, authority: Authority) -> None:
    code, output = await run("curl", "-sS", "https://git.test/repo.git/HEAD", port=proxy_port, trust=authority.bundle)
    assert (code, output) == (0, "ref: refs/heads/main\n")
    fact = await world.outside.fact()
    assert (fact.host, fact.allowed) == ("git.test", True)
    assert fact.bytes_in > 0


async def test_curl_shows_why_something_is_refused(proxy_port: int) -> None:
    code, output = await run("curl", "-sS", "https://evil.test/", port=proxy_port)
    assert code == 56
    assert "403" in output
    _, told = await run("curl", "-sv", "https://evil.test/", port=proxy_port)
    assert 'HTTP/1.1 403 "evil.test" is not in the allow-list of this run: add "evil.test" to `egress`' in told
    code, output = await run("curl", "-sS", "http://git.test/", port=proxy_port)
    assert code == 0
    assert "use https://git.test/ instead" in output


@pytest.mark.usefixtures("https_server")
async def test_curl_with_another_server_name_is_refused(proxy_port: int, authority: Authority) -> None:
    command = ["curl", "-sS", "--connect-to", "evil.test:443:git.test:443", "https://evil.test/"]
    code, output = await run(*command, port=proxy_port, trust=authority.bundle)
    assert code == 35
    assert "alert access denied" in output


@pytest.mark.usefixtures("https_server")
async def test_git_clones_over_https(tmp_path: Path, proxy_port: int, authority: Authority) -> None:
    target = tmp_path / "clone"
    command = ["git", "clone", "-q", "https://git.test/repo.git", str(target)]
    code, output = await run(*command, port=proxy_port, trust=authority.bundle)
    assert code == 0, output
    assert await run("git", "-C", str(target), "log", "--format=%s", port=proxy_port) == (0, "first\n")


async def test_git_says_that_the_proxy_refuses(tmp_path: Path, proxy_port: int) -> None:
    code, output = await run("git", "clone", "https://evil.test/x.git", str(tmp_path / "x"), port=proxy_port)
    assert code == 128
    assert "CONNECT" in output
    assert "403" in output


async def test_pip_downloads(internet: tuple[RunWorld, int], tmp_path: Path) -> None:
    world, port = internet
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-cache-dir", "--isolated"]
    command += ["--index-url", "https://pypi.org/simple", "-d", str(tmp_path / "wheels"), "idna==3.10"]
    code, output = await run(*command, port=port)
    assert code == 0, output
    assert [path.name for path in (tmp_path / "wheels").iterdir()] == ["idna-3.10-py3-none-any.whl"]
    await world.outside.fact()
    assert {fact.host for fact in world.outside.facts} <= {"pypi.org", "files.pythonhosted.org"}
    assert all(fact.allowed for fact in world.outside.facts)


async def test_pip_shows_why_something_is_refused(proxy_port: int) -> None:
    command = [sys.executable, "-m", "pip", "download", "--isolated", "--retries", "1", "--index-url"]
    _, output = await run(*command, "https://evil.test/simple", "idna", port=proxy_port)
    assert '"evil.test" is not in the allow-list of this run' in output


@pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm (apt-get install npm)")
async def test_npm_asks_its_registry(internet: tuple[RunWorld, int], tmp_path: Path) -> None:
    world, port = internet
    more = {"npm_config_registry": "https://registry.npmjs.org/", "npm_config_cache": str(tmp_path / "npm")}
    code, output = await run("npm", "view", "left-pad@1.3.0", "version", port=port, more=more)
    assert code == 0, output
    assert "1.3.0" in output
    await world.outside.fact()
    assert {(fact.host, fact.allowed) for fact in world.outside.facts} == {("registry.npmjs.org", True)}


@pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm (apt-get install npm)")
async def test_npm_shows_why_something_is_refused(proxy_port: int, tmp_path: Path) -> None:
    more = {"npm_config_registry": "https://evil.test/", "npm_config_cache": str(tmp_path / "npm")}
    code, output = await run("npm", "view", "left-pad", "--fetch-retries=0", port=proxy_port, more=more)
    assert code != 0
    assert '"evil.test" is not in the allow-list of this run' in output


@pytest.fixture
async def ssh_command(world: RunWorld, tmp_path: Path, proxy_port: int) -> AsyncIterator[str]:
    """An sshd that git.test:22 leads to, and the `ssh` command line that a run of an agent with git_ssh uses."""
    if SSHD is None:
        pytest.skip("needs sshd (apt-get install openssh-server)")
    for name in ("host", "user"):
        await run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name), port=proxy_port)
    shutil.copy(tmp_path / "user.pub", tmp_path / "authorized")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # noqa: ASYNC240
    port = free_port()
    options = [
        f"Port={port}", "ListenAddress=127.0.0.1", f"HostKey={tmp_path / 'host'}", "UsePAM=no", "StrictModes=no",
        f"AuthorizedKeysFile={tmp_path / 'authorized'}", "PidFile=none", "PermitRootLogin=yes",
    ]  # fmt: skip
    arguments = [part for option in options for part in ("-o", option)]
    server = await asyncio.create_subprocess_exec(
        SSHD, "-D", "-e", "-f", "/dev/null", *arguments, stderr=subprocess.PIPE
    )
    assert server.stderr is not None
    async with asyncio.timeout(20):
        while b"Server listening" not in (line := await server.stderr.readline()):
            assert line, "sshd ended"
    world.outside.resolver.table["git.test"] = [Endpoint("127.0.0.1", port)]
    fh = f"{sys.executable} -m freehold.runner.fh"
    yield (
        f"ssh -F /dev/null -i {tmp_path / 'user'} -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no "
        f"-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "
        f"-o 'ProxyCommand=env FREEHOLD_RUN_DIR={world.path.parent} {fh} connect %h %p'"
    )
    server.terminate()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(20):
            await server.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_ssh_runs_a_command(world: RunWorld, ssh_command: str, proxy_port: int) -> None:
    code, output = await run("sh", "-c", f"{ssh_command} {getpass.getuser()}@git.test echo hello", port=proxy_port)
    assert (code, output) == (0, "hello\n")
    fact = await world.outside.fact()
    assert (fact.host, fact.port, fact.allowed) == ("git.test", 22, True)


async def test_git_clones_over_ssh(ssh_command: str, repository: Path, tmp_path: Path, proxy_port: int) -> None:
    target = tmp_path / "clone"
    url = f"ssh://{getpass.getuser()}@git.test{repository}"
    code, output = await run(
        "git", "clone", "-q", url, str(target), port=proxy_port, more={"GIT_SSH_COMMAND": ssh_command}
    )
    assert code == 0, output
    assert await run("git", "-C", str(target), "log", "--format=%s", port=proxy_port) == (0, "first\n")


async def test_ssh_to_another_host_says_why_not(ssh_command: str, proxy_port: int) -> None:
    code, output = await run("sh", "-c", f"{ssh_command} evil.test true", port=proxy_port)
    assert code == 255
    assert '"evil.test" is not in the allow-list of this run' in output

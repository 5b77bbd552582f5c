"""From inside a container without a network: the programs of the base image through the run directory alone."""

import asyncio
import json
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from freehold.egress.dialer import Dialer
from freehold.egress.proxy import EgressProxy
from freehold.egress.rules import allow_list
from freehold.project.egress import PACKAGE_REGISTRIES
from tests.support.certificates import Authority
from tests.support.run_world import RunWorld, run_world

pytestmark = pytest.mark.docker
RULES = allow_list("dev", egress=["git.test"], registries=PACKAGE_REGISTRIES)
BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
INSIDE = """
import sys
sys.path.insert(0, "/app/lib")
import asyncio, json, os, subprocess
from pathlib import Path
from freehold.runner.forward import Forwarder

async def main():
    await Forwarder(Path("/run/freehold/run.sock")).listen(7702)
    told = []
    for command in json.loads(sys.argv[1]):
        done = await asyncio.create_subprocess_shell(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        output, _ = await done.communicate()
        told.append((done.returncode, output.decode("utf-8", "replace")))
    print(json.dumps(told))

asyncio.run(main())
"""


@dataclass
class Inside:
    """Runs commands in a fresh container; `trust` is the certificate bundle in it."""

    directory: Path
    trust: Path

    async def run(self, *commands: str) -> list[tuple[int, str]]:
        proxy = "http://127.0.0.1:7702"
        variables = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy)
        bundle = "/etc/ssl/certs/ca-certificates.crt"
        variables |= dict.fromkeys(("CURL_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO"), bundle)
        variables |= {"HOME": "/tmp", "npm_config_cache": "/tmp/npm", "PIP_CACHE_DIR": "/tmp/pip"}
        process = await asyncio.create_subprocess_exec(
            "docker", "run", "--rm", "--network", "none", "--user", "1000:1000", "--read-only", "--tmpfs", "/tmp:exec",
            "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--workdir", "/tmp",
            "-v", f"{self.directory}:/run/freehold", "-v", f"{self.trust}:{bundle}:ro",
            *(part for name, value in variables.items() for part in ("-e", f"{name}={value}")),
            "--entrypoint", "/usr/bin/python3", "freehold-agent:latest", "-IS", "-c", INSIDE, json.dumps(commands),
            stdout=subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(180):
            output, _ = await process.communicate()
        assert process.returncode == 0
        return [(code, text) for code, text in json.loads(output)]


@pytest.fixture
async def world() -> AsyncIterator[RunWorld]:
    # Not below pytest's own directory, which only its user may enter: the container's user is another one.
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o711)  # noqa: PTH101
        async with run_world(Path(name), rules=RULES) as made:
            yield made


async def test_what_is_allowed_is_reached_and_nothing_else(world: RunWorld, tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")

    authority = Authority(tmp_path)
    await world.outside.serve("git.test", answer, authority.server_context("git.test"))
    reached, refused, past_it, by_name, to_host = await Inside(world.path.parent, authority.bundle).run(
        "curl -sS https://git.test/",
        "curl -sS https://evil.test/",
        "curl -sS --noproxy '*' --max-time 5 https://198.51.100.7/",
        "curl -sS --noproxy '*' --max-time 5 https://git.test/",
        "curl -sS --noproxy '*' --max-time 5 http://169.254.169.254/",
    )
    assert reached == (0, "hello")
    assert refused == (56, "curl: (56) CONNECT tunnel failed, response 403\n")
    assert past_it[0] == 7
    assert by_name[0] == 6
    assert to_host[0] == 7
    assert [(fact.host, fact.allowed) for fact in world.outside.facts] == [("git.test", True), ("evil.test", False)]


async def test_pip_npm_and_git_work_without_being_told(world: RunWorld) -> None:
    try:
        (await Dialer().dial("pypi.org", 443)).close()
    except Exception as error:
        pytest.skip(f"the package registries are not reached from here: {error}")
    world.outside.proxy = EgressProxy(RULES, world.outside.tell, dialer=Dialer())
    served = world.make()
    await served.open()
    pip, npm, git = await Inside(world.path.parent, BUNDLE).run(
        "pip download -q --no-deps -d /tmp/wheels idna==3.10 && ls /tmp/wheels",
        "npm view left-pad@1.3.0 version",
        "git ls-remote https://github.com/git/git",
    )
    await served.close()
    assert pip == (0, "idna-3.10-py3-none-any.whl\n")
    assert npm[0] == 0
    assert "1.3.0" in npm[1]
    assert git[0] == 128
    assert "CONNECT tunnel failed, response 403" in git[1]
    told = {(fact.host, fact.allowed) for fact in world.outside.facts}
    assert {("pypi.org", True), ("registry.npmjs.org", True), ("github.com", False)} <= told

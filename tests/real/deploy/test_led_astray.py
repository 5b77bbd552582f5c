"""A gateway that was taken over leads its owner's commands to another project of the server: they do nothing there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.program import Freehold
from tests.support.pushing import project
from tests.support.sandbox import SandboxServer

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]


async def test_what_one_project_is_asked_is_not_done_in_another(sandbox: SandboxServer, tmp_path: Path) -> None:
    mine, other = project(sandbox, tmp_path, "astray"), project(sandbox, tmp_path, "elsewhere")
    for each in (mine, other):
        await each.push()
    program, there = Freehold(mine.root, sandbox.home), ("-E", sandbox.environment)
    assert json.loads(program("status", *there, "--json").stdout)["name"] == "astray"

    socket = mine.layout.gateway_socket
    link = f"mv {socket} {socket}.mine && ln -s {other.layout.gateway_socket} {socket}"
    mine.says(f"runuser -u {mine.layout.user} -- sh -c '{link}'")
    for words in (("pause",), ("status",)):
        done = program(*words, *there)
        assert done.returncode == 1, done.stdout
        assert "this is the gateway of elsewhere, and not of astray; nothing was done" in done.stderr
    assert json.loads(other.says(f"{other.layout.command} status --json"))["paused"] is False

    console = mine.layout.console_socket
    for theirs in (other.layout.gateway_socket, other.layout.console_socket, "/run/docker.sock"):
        mine.says(f"runuser -u {mine.layout.user} -- ln -sf {theirs} {console}")
        done = program("console", *there, timeout_s=60)
        assert done.returncode == (5 if "docker" in theirs else 1), done.stdout
        assert ("what answers is none" if "docker" in theirs else "leads to another project") in done.stderr

    mine.says(f"mv {socket}.mine {socket}")
    assert program("pause", *there).returncode == 0
    assert json.loads(mine.says(f"{mine.layout.command} status --json"))["paused"] is True

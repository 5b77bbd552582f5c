"""Whoever has no servers does not wait for what reaches them."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["cli.main", "cli.status", "cli.run", "cli.env", "client.tunnel", "hosts.ssh_host"])
def test_asyncssh_is_loaded_by_the_first_login_alone(module: str) -> None:
    program = f"import sys, freehold.{module}; sys.exit('asyncssh' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


@pytest.mark.parametrize("module", ["cli.status", "cli.run", "cli.stop", "cli.runs"])
def test_the_project_here_is_asked_without_what_reaches_servers(module: str) -> None:
    program = f"import sys, freehold.{module}; sys.exit('freehold.hosts.host' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0

"""Servers of both Debians."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.sandbox import SandboxServer, sandbox_server


@pytest.fixture(scope="session")
def sandbox13(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    with sandbox_server(tmp_path_factory.mktemp("sandbox13"), "--debian", "13", called="-13") as server:
        yield server


@pytest.fixture(scope="session", params=["12", "13"])
def server(request: pytest.FixtureRequest) -> SandboxServer:
    """Each test is done on Debian 12 and on Debian 13. What it leaves there, the next one finds."""
    made: SandboxServer = request.getfixturevalue("sandbox" if request.param == "12" else "sandbox13")
    return made

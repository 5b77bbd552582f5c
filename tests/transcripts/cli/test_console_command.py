"""`freehold console`: where the console is, and what stands in the way of one on a server."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import Answer, freehold
from tests.support.fake_gateway import FakeGateway, listening_in
from tests.support.folders import one_agent, write_files
from tests.support.service_words import project_status

HERE = "http://127.0.0.1:8080/"


@pytest.fixture
def closed() -> Iterator[int]:
    """A port of this machine at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield int(bound.getsockname()[1])


@pytest.fixture
def project(tmp_path: Path, closed: int) -> Path:
    server = f'[server]\nhost = "127.0.0.1"\nport = {closed}\nuser = "root"\n'
    write_files(tmp_path / "home", {"environments/prod.toml": server, "environments/laid.toml": ""})
    return write_files(tmp_path / "shop", one_agent())


@pytest.fixture
def gateway(project: Path) -> Iterator[FakeGateway]:
    with listening_in(project) as fake:
        fake.replies["GET /status"] = project_status(address=HERE, console=HERE)
        yield fake


def typed(project: Path, *words: str) -> Answer:
    return freehold("console", *words, home=project.parent / "home", project=project)


def test_this_machines_is_where_the_project_says(project: Path, gateway: FakeGateway) -> None:
    answer = typed(project)
    assert (answer.code, answer.out, answer.err) == (0, f"{HERE}\n", "")
    assert json.loads(typed(project, "--json").out) == {"console": HERE}
    assert typed(project, "-E", "local").out == f"{HERE}\n"
    gateway.replies["GET /status"] = project_status(address=HERE)
    answer = typed(project)
    assert (answer.code, answer.out) == (1, "")
    assert "freehold start --web" in answer.err


def test_a_browser_is_opened_if_asked(
    project: Path, gateway: FakeGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gateway
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {opened}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    typed(project)
    assert not opened.exists()
    answer = typed(project, "--open")
    assert (answer.out, opened.read_text()) == (f"{HERE}\n", f"{HERE}\n")


@pytest.mark.parametrize("told", ["file:///etc/passwd", "--help", "http://127.0.0.1/\x1b[2J", "vscode://run"])
def test_what_is_no_page_is_not_opened(
    project: Path, gateway: FakeGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    """It may be a gateway elsewhere that says so."""
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f"#!/bin/sh\ntouch {opened}\n")
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    gateway.replies["GET /status"] = project_status(address=HERE, console=told)
    answer = typed(project, "--open")
    assert (answer.code, answer.out, opened.exists()) == (1, "", False)
    assert "no address of a page" in answer.err


def test_nothing_to_open(project: Path) -> None:
    answer = typed(project)
    assert (answer.code, "freehold start" in answer.err) == (5, True)
    answer = typed(project, "-E", "laid")
    assert (answer.code, "neither a server nor a gateway.url" in answer.err) == (3, True)


def test_a_port_is_for_a_server(project: Path, gateway: FakeGateway) -> None:
    answer = typed(project, "--port", "9000")
    assert (answer.code, gateway.asked) == (2, [])
    assert "-E NAME" in answer.err


def test_a_server_that_is_away(project: Path) -> None:
    answer = typed(project, "-E", "prod")
    assert (answer.code, answer.out) == (5, "")
    assert "prod cannot be reached" in answer.err


def test_an_environment_that_there_is_not(project: Path) -> None:
    answer = typed(project, "-E", "prd")
    assert (answer.code, 'did you mean "prod"' in answer.err) == (1, True)


def test_a_port_that_is_taken_is_told_before_the_server_is_asked(project: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        answer = typed(project, "-E", "prod", "--port", str(port))
    assert answer.code == 1
    assert answer.err == (
        f"error: port {port} of this machine is in use by another program\n  Choose another one: --port N.\n"
    )

"""The console of a project on a server, in a browser of this machine: `freehold console -E NAME`."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from freehold.wire.service import API
from tests.support.console_world import CHROMIUM
from tests.support.program import PROGRAM, Freehold
from tests.support.pushing import WITHOUT_IMAGE, Pushing, project, typed_in
from tests.support.sandbox import SandboxServer

pytestmark = [pytest.mark.browser, pytest.mark.docker, pytest.mark.xdist_group("sandbox")]

LONGEST_MS = 60_000


@pytest.fixture(scope="module")
def shop(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Pushing:
    made = project(sandbox, tmp_path_factory.mktemp("console"), "looked-at", **WITHOUT_IMAGE)
    pushed = typed_in(made)("push", "-E", "hidden")
    assert pushed.returncode == 0, pushed.stderr
    return made


@pytest.fixture(scope="module")
def program(shop: Pushing) -> Freehold:
    return typed_in(shop)


@pytest.fixture(scope="module")
def key(program: Freehold) -> str:
    made = program("keys", "add", "me", "--scope", "admin", "-E", "hidden")
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@contextlib.contextmanager
def console(program: Freehold, *words: str) -> Iterator[str]:
    """Its address, as long as somebody has it open; Ctrl-C ends it, and that is no failure."""
    command = [str(PROGRAM), "console", "-E", "hidden", *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=program.project, env=program.environment, stdout=pipe, stderr=pipe, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            address = process.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:"), process.stderr.read()
            yield address
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, process.stderr.read()
        assert "freehold keys add me --scope admin -E hidden" in process.stderr.read()


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        made = browser.new_page()
        made.set_default_timeout(LONGEST_MS)
        yield made
        browser.close()


def log_in(page: Page, address: str, key: str) -> None:
    page.goto(address)
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Agents").wait_for()


def test_a_browser_logs_in_changes_something_and_is_told_what_changes(
    shop: Pushing, program: Freehold, key: str, page: Page
) -> None:
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    with console(program) as address, console(program) as second:
        assert address != second
        assert httpx2.get(f"{address}{API[1:]}/status").status_code == 401  # the port is everybody's on this machine
        log_in(page, address, key)
        log_in(page, second, key)
        page.goto(address)  # where the other login has ended nothing
        page.get_by_role("button", name="Pause").first.click()
        expect(page.get_by_role("main")).to_contain_text("paused")
        assert program("resume", "-E", "hidden").returncode == 0
        page.get_by_role("button", name="Pause").first.wait_for()  # nobody loaded it again
        _break_connections(shop)
        page.reload()
        page.get_by_role("heading", name="Agents").wait_for()
    assert not complaints


def _break_connections(shop: Pushing) -> None:
    """All over SSH; not through SSH, for it would be one of them."""
    subprocess.run(["docker", "exec", shop.sandbox.container, "pkill", "-f", "sshd: root"], check=True)


def test_what_is_not_there(shop: Pushing, program: Freehold) -> None:
    socket = shop.layout.console_socket
    shop.says(f"mv {socket} {socket}.away")
    try:
        done = program("console", "-E", "hidden")
    finally:
        shop.says(f"mv {socket}.away {socket}")
    assert done.returncode == 1
    assert "looked-at on hidden serves no console through SSH" in done.stderr
    assert "freehold push -E hidden" in done.stderr
    elsewhere = shop.root.parent / "never-pushed"
    elsewhere.mkdir()
    (elsewhere / "config.toml").write_text("")
    done = Freehold(elsewhere, program.home)("console", "-E", "hidden")
    assert done.returncode == 5
    assert "never-pushed is not running on hidden" in done.stderr

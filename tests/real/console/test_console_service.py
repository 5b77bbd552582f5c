"""The console of a project that `freehold start --web` serves: a run in a container, from its button to its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.support.console_world import CHROMIUM, SHOTS
from tests.support.installation import REHEARSED, Installation
from tests.support.running_service import HUB, RunningService

pytestmark = [pytest.mark.browser, pytest.mark.docker]
LONGEST_MS = 90_000


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    here = Installation(tmp_path, name="fhc")
    (here.project / "config.toml").write_text(f"{REHEARSED}{HUB}")
    here.agent(script="fh status working\necho looked at it\nfh return 42\n")
    made = RunningService(here)
    yield made
    made.end()
    here.close()


def test_a_run_is_begun_and_watched_to_its_end(service: RunningService) -> None:
    service.start("--web")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(LONGEST_MS)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{service.url}/")
        page.get_by_label("API key").fill(service.key)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("button", name="Run dev").click()
        page.get_by_role("link", name="Last run of dev").click()
        main = page.get_by_role("main")
        expect(main).to_contain_text("It returned", timeout=LONGEST_MS)  # nobody loaded the page again
        expect(main).to_contain_text("42")
        expect(main.get_by_role("region", name="Phases")).to_contain_text("container")
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / "service-run.png", full_page=True)
        browser.close()
        assert not complaints
    assert service.stop() == 0

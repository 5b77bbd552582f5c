"""Chats of a real service: in a browser, over HTTP, at a terminal, and all of that the same chat."""

from __future__ import annotations

import json
import subprocess

import pytest
from playwright.sync_api import expect, sync_playwright

from freehold.wire.service import API
from tests.support.console_world import CHROMIUM, SHOTS
from tests.support.installation import Installation, until
from tests.support.running_service import RunningService

pytestmark = pytest.mark.docker
LONGEST_MS = 90_000
CHAT = """\
version: 1
turns:
  - say: "Good morning."
  - say: "I write it down."
    write: {path: /workspace/note.txt, content: "hello from the chat"}
  - say: "It is written."
"""


@pytest.mark.browser
def test_a_chat_in_the_console_outlives_the_gateway(here: Installation, service: RunningService) -> None:
    here.agent(rehearsal=CHAT)
    service.start("--web")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(LONGEST_MS)
        page.goto(f"{service.url}/login?next=/agents/dev")
        page.get_by_label("API key").fill(service.key)
        page.get_by_role("button", name="Log in").click()
        page.get_by_label("Run it now, or talk with it").fill("Hello")
        page.get_by_role("button", name="Chat").click()
        expect(page.get_by_text("Good morning.")).to_be_visible(timeout=LONGEST_MS)
        address = page.url.partition("?")[0]
        run_id = address.rpartition("/")[2]
        service.kill()
        service.start("--web")  # on another port: who was logged in is, for cookies know no ports
        page.goto(f"{service.url}/runs/{run_id}")
        expect(page.get_by_text("Good morning.")).to_be_visible(timeout=LONGEST_MS)
        page.get_by_label("Say something").fill("Write it down")
        page.get_by_label("Say something").press("Control+Enter")
        expect(page.get_by_text("It is written.")).to_be_visible(timeout=LONGEST_MS)
        page.get_by_role("button", name="Finish the chat").click()
        page.get_by_role("link", name="1 file").click(timeout=LONGEST_MS)
        page.get_by_role("link", name="/workspace/note.txt").first.click()
        expect(page.get_by_text("hello from the chat")).to_be_visible(timeout=LONGEST_MS)
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / "service-left-file.png", full_page=True)
        browser.close()
    assert service.ask("GET", f"{API}/runs/{run_id}").json()["result"] == "completed"
    assert service.stop() == 0


def test_a_chat_that_was_begun_at_a_terminal_goes_on_over_http(here: Installation, service: RunningService) -> None:
    here.agent(rehearsal='version: 1\nturns:\n  - say: "Good morning."\n  - say: "Of course."\n')
    service.start()
    terminal = here.start("chat", "dev", "Hello", "--json", stdin=subprocess.PIPE)
    until(lambda: any(run.get("state") == "running" for run in _runs(service)))
    [run] = _runs(service)
    address = f"{API}/runs/{run['run_id']}"
    body = {"text": "Go on", "message_id": "m-1"}
    said = [service.ask("POST", f"{address}/say", body).json() for _ in range(2)]
    assert [one["turn"] for one in said] == [2, 2]
    until(lambda: b"Of course." in service.ask("GET", f"{address}/events").content)
    assert service.ask("POST", f"{address}/finish").json() == {"ok": True}
    out, err = terminal.communicate(timeout=60)
    assert terminal.returncode == 0, err
    turns = [json.loads(line) for line in out.splitlines() if '"turn.started"' in line]
    assert [(turn["text"], turn["by"]) for turn in turns] == [
        ("Hello", "person"), ("Go on", "gateway_api_key:default")
    ]  # fmt: skip
    refused = service.ask("POST", f"{address}/say", {"text": "More"})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


def _runs(service: RunningService) -> list[dict[str, str]]:
    found: list[dict[str, str]] = service.ask("GET", f"{API}/runs").json()["runs"]
    return found

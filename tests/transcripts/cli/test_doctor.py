"""`freehold doctor`: what it says of a project's files and credentials."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from freehold.project.state import KEEPER_PLACE, PLACED_NAME, STATE_PLACE
from tests.support.command import freehold
from tests.support.folders import one_agent, write_files

MODELS = """
[models.own]
provider = "custom"
model = "m"
base_url = "http://localhost:1/v1"

[models.through]
provider = "anthropic"
model = "m"
base_url = "https://proxy.example.com"

[models.home]
provider = "anthropic"
model = "m"

[models.unused]
provider = "openai"
model = "m"
base_url = "https://elsewhere.example.com/v1"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def told(home: Path, project: Path, subject: str) -> list[tuple[str, str, str]]:
    findings = json.loads(freehold("doctor", "--json", home=home, project=project).out)["findings"]
    return [(each["level"], each["message"], each["hint"]) for each in findings if each["subject"] == subject]


def test_keys_that_would_go_elsewhere_are_told_until_that_is_allowed(tmp_path: Path, home: Path) -> None:
    files = {**one_agent("models = ['own', 'through', 'home']\n"), "config.toml": MODELS}
    shop = write_files(tmp_path / "shop", files)
    for key in ("custom_key", "anthropic_key"):
        freehold("creds", "add", key, "--field", "token=canary", home=home)
    errors = [finding for finding in told(home, shop, "credentials") if finding[0] == "error"]
    assert errors == [
        ("error", "models.own.base_url: the custom_key is not sent to localhost",
         "If that is what you want: freehold creds add custom_key --field hosts=localhost"),
        ("error", "models.through.base_url: the anthropic_key is not sent to proxy.example.com",
         "If that is what you want: freehold creds add anthropic_key --field hosts=proxy.example.com"),
    ]  # fmt: skip
    for key, host in (("custom_key", "localhost"), ("anthropic_key", "proxy.example.com")):
        freehold("creds", "add", key, "--field", f"hosts={host}", home=home)
    assert [finding[0] for finding in told(home, shop, "credentials")] == ["ok"]
    assert [finding[0] for finding in told(home, shop, "project")] == ["ok"]


BUDGET = MODELS + "[budget]\nusd_per_day = 5\n"


def test_a_price_that_a_budget_needs_and_nobody_knows_is_told_ahead(tmp_path: Path, home: Path) -> None:
    files = {**one_agent("models = ['own']\n"), "config.toml": BUDGET}
    shop = write_files(tmp_path / "shop", files)
    [(level, message, hint)] = told(home, shop, "budget")
    assert level == "error"
    assert message.startswith('the price of the model "own" (m) is not known')
    assert "[models.own.price]\ninput = 3.0\noutput = 15.0\n" in hint
    (shop / "config.toml").write_text(BUDGET + "[models.own.price]\ninput = 0\noutput = 0\n")
    assert told(home, shop, "budget") == []


def test_a_model_without_a_price_is_passed_over_where_there_is_another(tmp_path: Path, home: Path) -> None:
    known = BUDGET + '[models.known]\nprovider = "anthropic"\nmodel = "claude-sonnet-4-5"\n'
    shop = write_files(tmp_path / "shop", {**one_agent("models = ['own', 'known']\n"), "config.toml": known})
    assert [finding[0] for finding in told(home, shop, "budget")] == ["warning"]
    (shop / "config.toml").write_text(known.replace("usd_per_day", "tokens_per_run"))
    assert told(home, shop, "budget") == []


_WATCHED = """
import os, sys
touched = open(os.environ["TOUCHED"], "w")
def note(event, arguments):
    if event in ("open", "os.listdir", "os.scandir", "sqlite3.connect", "socket.connect"):
        touched.write(f"{event} {arguments}\\n")
sys.addaudithook(note)
from freehold.cli.main import main
main()
"""


def test_as_the_keepers_user_it_reads_nothing_that_is_the_gateways(tmp_path: Path, home: Path) -> None:
    """On a server the gateway could lay links there, to what only the keeper may read."""
    shop = write_files(tmp_path / "shop", one_agent())
    gateway = write_files(tmp_path / "gateway", {"revisions/current": "{}", "gateway.sock": "", "state.db": ""})
    environment = {
        **os.environ, "FREEHOLD_HOME": str(home), STATE_PLACE: str(gateway), KEEPER_PLACE: str(tmp_path / "keeper"),
        PLACED_NAME: "shop", "TOUCHED": str(tmp_path / "touched"),
    }  # fmt: skip
    words = [sys.executable, "-c", _WATCHED, "-p", str(shop), "doctor", "--json"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert json.loads(done.stdout)["findings"], done.stderr
    touched = (tmp_path / "touched").read_text()
    assert str(shop) in touched
    assert str(gateway) not in touched

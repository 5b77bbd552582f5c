"""`freehold env prov` at a real terminal: searched lists, prices, the way back, and tokens that are tried first."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.project.credential import CredentialRef
from freehold.store.credentials import FileCredentialStore
from tests.support.clouds import HETZNER, Clouds, clouds
from tests.support.folders import one_agent, write_files
from tests.support.terminal import Typist

DOWN, UP, ENTER, ESCAPE, CTRL_C = "\x1b[B", "\x1b[A", "\r", "\x1b", "\x03"


@pytest.fixture
def providers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clouds]:
    with clouds() as found:
        for name, value in found.environ.items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def typist(tmp_path: Path, *words: str) -> Typist:
    shop = write_files(tmp_path / "shop", one_agent())
    return Typist(["env", "prov", "prod", *words], home=tmp_path / "home", folder=shop, columns=160)


def test_from_the_first_question_to_a_server(tmp_path: Path, home: Path, providers: Clouds) -> None:
    person = typist(tmp_path, "--timeout", "1", "--port", "9")
    person.follow("Whose server?", "← back")
    person.type(ENTER)  # Hetzner is the first
    person.follow("Get one at", "API key: ")
    person.type("half a to" + ESCAPE)
    person.follow("Whose server?")
    person.type(ENTER)
    person.follow("Get one at", "API key: ")
    person.type("wrong" + ENTER)
    person.follow("unable to authenticate", "Get one at", "API key: ")
    person.type(providers.hetzner.token + ENTER)
    person.wait_for("How large?")
    person.wait_for("EUR a month")
    person.type(ENTER)  # the cheapest
    person.wait_for("Where?")
    person.type(ESCAPE)
    person.wait_for("How large?", times=2)
    person.type(DOWN + ENTER)
    person.wait_for("Where?", times=2)
    person.type(ENTER)
    person.wait_for("Which system?")
    person.wait_for("debian-12")
    person.type(ENTER)
    person.wait_for("HTTPS?")
    person.type(DOWN + DOWN + ENTER)  # not now
    person.wait_for("Rent this server?")
    assert "from now until `freehold env deprov prod`" in person.shown
    person.type("y\n")
    code, shown = person.end()
    assert code == 1, shown
    assert "Made so far: the SSH key, the firewall, the server" in shown
    table = tomllib.loads((home / "environments/prod.toml").read_text())
    assert table["provision"]["plan"] == "cax11", "the second cheapest"
    assert table["provision"]["distribution"] == "debian 12"
    kept = FileCredentialStore(home).get(CredentialRef("hetzner_api_key", "default"), "api_key")
    assert kept is not None
    assert kept.reveal() == providers.hetzner.token
    assert "wrong" not in shown.replace("went wrong", ""), "what is typed is not shown"
    assert "half a to" not in shown, shown
    assert providers.hetzner.token not in shown, shown


def test_a_zone_a_name_and_the_mode_of_ssl(tmp_path: Path, home: Path, providers: Clouds) -> None:
    providers.keep_tokens(home)
    person = typist(tmp_path, "--provider", "existing", "--host", "127.0.0.1", "--port", "9", "--user", "root")
    person.wait_for("A private key")
    person.type(ENTER)
    person.wait_for("HTTPS?")
    person.type(ENTER)
    person.wait_for("In which zone")
    person.type(ENTER)
    person.wait_for("Its public name:")
    person.type("app" + ENTER)
    person.wait_for("The zone's SSL mode is full")
    person.wait_for("Have it checked?")
    person.type(ENTER)
    person.wait_for("Use this server?")
    assert "app.example.com, by Cloudflare; a rule has it check the server's certificate for this name" in person.shown
    person.type("n\n")
    code, shown = person.end()
    assert (code, "Nothing was changed." in shown) == (0, True)
    assert not (home / "environments").exists()


@pytest.mark.parametrize(("key", "code"), [(ESCAPE, 130), (CTRL_C, 130)])
@pytest.mark.parametrize(
    ("words", "asked"), [((), "Whose server?"), (("--provider", "hetzner"), "API key: ")], ids=["first", "token"]
)
def test_leaving_changes_nothing(
    tmp_path: Path, home: Path, providers: Clouds, key: str, code: int, words: tuple[str, ...], asked: str
) -> None:
    person = typist(tmp_path, *words)
    person.wait_for(asked)
    person.type(key)
    ended, shown = person.end()
    assert ended == code, shown
    assert not (home / "environments").exists()
    assert providers.is_clear


def test_who_has_no_token_goes_back_and_answers_otherwise(tmp_path: Path, providers: Clouds) -> None:
    assert providers
    person = typist(tmp_path, "--provider", "existing", "--host", "127.0.0.1", "--port", "9", "--user", "root")
    person.follow("A private key")
    person.type(ENTER)
    person.follow("HTTPS?", "← back")
    person.type(ENTER)  # by Cloudflare
    person.follow("Get one at", "API token: ")
    person.type(ESCAPE)
    person.follow("HTTPS?")
    person.type(DOWN + DOWN + ENTER)
    person.follow("Use this server?")
    person.type("n\n")
    code, shown = person.end()
    assert (code, "Nothing was changed." in shown) == (0, True)


def test_interrupted_while_it_waits_it_says_how_to_go_on(tmp_path: Path, home: Path, providers: Clouds) -> None:
    providers.keep_tokens(home)
    person = typist(tmp_path, "--no-input", *HETZNER, "--yes", "--port", "9")
    person.wait_for("127.0.0.1 port 9")
    person.type(CTRL_C)
    code, shown = person.end()
    assert code == 130, shown
    assert "the server costs" in shown
    assert "Go on: freehold env prov prod" in shown
    assert "Undo: freehold env deprov prod" in shown


def test_a_long_list_is_searched_by_typing(tmp_path: Path, home: Path, providers: Clouds) -> None:
    providers.keep_tokens(home)
    person = typist(tmp_path, "--provider", "vultr", "--region", "fra", "--yes", "--timeout", "1", "--port", "9")
    person.wait_for("How large?")
    person.type("2c-4" + ENTER)
    person.wait_for("Which system?")
    person.type("ubuntu" + ENTER)
    person.wait_for("HTTPS?")
    person.type("not now" + ENTER)
    code, shown = person.end()
    assert code == 1, shown
    provision = tomllib.loads((home / "environments/prod.toml").read_text())["provision"]
    assert (provision["plan"], provision["distribution"]) == ("vc2-2c-4gb", "ubuntu 24.04")


def test_taking_down_wants_the_name(tmp_path: Path, home: Path, providers: Clouds) -> None:
    write_files(home, {"environments/prod.toml": '[server]\nhost = "127.0.0.1"\nport = 9\nprovider = "existing"\n'})
    assert providers
    for typed, said in (("no", "Nothing was changed."), ("prod", "not done; prod is kept: everything on the server")):
        shop = tmp_path / "elsewhere"
        shop.mkdir(exist_ok=True)
        person = Typist(["env", "deprov", "prod"], home=home, folder=shop, columns=160)
        person.wait_for("Type prod to do it")
        person.type(f"{typed}\n")
        code, shown = person.end()
        assert (code, said in shown) == (1, True), shown
        assert (home / "environments/prod.toml").exists(), "what cannot be asked is not forgotten"

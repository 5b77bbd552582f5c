"""`freehold env prov` by flags, against strict providers: what it asks for, what goes wrong, and how that is told.

Nobody listens where the servers are, so each story ends before the first login; `tests/real/deploy` has the rest.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from freehold.base.secret import Secret
from freehold.project.credential import CredentialRef
from freehold.store.credentials import FileCredentialStore
from tests.support.clouds import HETZNER, VULTR, Clouds, clouds
from tests.support.command import Answer, freehold
from tests.support.folders import one_agent, write_files
from tests.support.strict_api import Fault

CLOUDFLARE = ("--https", "app.example.com", "--ssl-mode", "host-rule")
QUICK = ("--yes", "--timeout", "1", "--port", "9", "--dns-wait", "0")


@pytest.fixture
def providers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clouds]:
    with clouds() as found:
        for name, value in found.environ.items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
def home(tmp_path: Path, providers: Clouds) -> Path:
    providers.keep_tokens(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_files(tmp_path / "shop", one_agent())


@pytest.fixture
def typed(home: Path, project: Path) -> Any:
    def type_(*words: str, at: Path = project) -> Answer:
        return freehold("env", *words, home=home, project=at)

    return type_


def written(home: Path, name: str = "prod") -> dict[str, Any]:
    return tomllib.loads((home / f"environments/{name}.toml").read_text())


def test_everything_that_is_missing_is_named_at_once(typed: Any, home: Path) -> None:
    answer = typed("prov", "prod")
    assert answer.code == 2
    assert "these are missing: --provider, --plan, --region, --yes" in answer.err
    answer = typed("prov", "prod", "--provider", "hetzer")
    assert (answer.code, 'no provider "hetzer" (did you mean "hetzner"?)' in answer.err) == (1, True)
    answer = typed("prov", "prod", "--provider", "vultr", "--https", "app.example.com")
    assert "these are missing: --plan, --region, --ssl-mode, --yes" in answer.err
    assert not (home / "environments").exists()


def test_nothing_is_made_before_it_is_agreed_to(typed: Any, home: Path, providers: Clouds) -> None:
    answer = typed("prov", "prod", *HETZNER)
    assert answer.code == 2
    assert "4.75 EUR a month" in answer.err or "EUR a month" in answer.err
    assert "give --yes to agree" in answer.err
    assert not (home / "environments").exists()
    assert providers.is_clear


@pytest.mark.parametrize("provider", [HETZNER, VULTR])
def test_a_server_is_rented_up_to_the_first_login_and_taken_down(
    typed: Any, home: Path, providers: Clouds, provider: tuple[str, ...]
) -> None:
    answer = typed("prov", "prod", *provider, *QUICK)
    assert answer.code == 1, answer.err
    assert "not ready after 1.0 s: prod cannot be reached: 127.0.0.1 port 9" in answer.err
    assert "Made so far: the SSH key, the firewall, the server (id" in answer.err
    assert "a month" in answer.err.split("the server costs ")[1]
    assert "Go on: freehold env prov prod\n  Undo: freehold env deprov prod" in answer.err
    table = written(home)
    assert table["server"]["host"] == "127.0.0.1"
    assert table["provision"]["distribution"] == "debian 12"
    assert table["provision"]["done"][-1] == "address"
    assert (home / "credentials/vps_ssh/default/private_key").exists()

    again = typed("prov", "prod", "--timeout", "1")
    assert "waiting until SSH lets us in" in again.err
    made = providers.hetzner.count("POST /servers") + providers.vultr.count("POST /instances")
    assert made == 1, "the same command goes on, and makes nothing twice"

    assert "not finished: freehold env prov prod" in typed("list").out
    shown = typed("deprov", "prod", "--dry-run")
    assert shown.code == 0
    assert "remove the server fh-prod-" in shown.out
    assert "everything on the server, which cannot be reached" not in shown.out
    gone = typed("deprov", "prod", "--yes", "--json")
    told = json.loads(gone.out)
    assert (gone.code, told["forgotten"], told["left"]) == (0, True, [])
    assert len(told["proven"]) == 3
    assert "cannot be reached" in told["problem"]
    assert providers.is_clear
    assert list((home / "environments").iterdir()) == []


def test_a_token_that_is_missing_or_wrong(typed: Any, home: Path, providers: Clouds) -> None:
    store, ref = FileCredentialStore(home), CredentialRef("hetzner_api_key", "default")
    store.put(ref, {"api_key": Secret("wrong")})
    answer = typed("prov", "prod", *HETZNER, "--yes")
    assert answer.code == 4
    assert "Hetzner: could not check the token: unable to authenticate (401)" in answer.err
    assert "Read & Write" in answer.err
    store.remove(ref)
    answer = typed("prov", "prod", *HETZNER, "--yes")
    assert answer.code == 4
    assert "freehold creds add hetzner_api_key --field api_key=-" in answer.err
    assert "wrong" not in answer.err.split("hetzner_api_key")[0]
    assert not (home / "environments").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--plan", "cx24", "--region", "fsn1"), 'no plan "cx24" (did you mean "cx23"?)'),
        (("--plan", "cx23", "--region", "fsn"), 'no region "fsn" (did you mean "fsn1"?)'),
        (("--plan", "cx23", "--region", "ash"), "plan cx23 is not sold in ash now"),
        (("--plan", "cx23", "--region", "fsn1", "--image", "debian-11"), 'no image "debian-11" for the plan cx23'),
        (("--plan", "cx23", "--region", "fsn1", "--ssh-key", "mine"), 'no SSH key "mine"'),
        (("--plan", "cx23", "--region", "fsn1", "--https", "a.example.org", "--ssl-mode", "zone"), "is in no zone"),
        (("--plan", "cx23", "--region", "fsn1", "--https", "a b", "--ssl-mode", "zone"), "host name"),
        (("--plan", "cx23", "--region", "fsn1", "--no-expose", *CLOUDFLARE), "--no-expose wants none"),
        (("--plan", "cx23", "--region", "fsn1", "--host-key", "x"), "--host-key"),
        (("--plan", "cx23", "--region", "fsn1", "--https", "a.example.com", "--ssl-mode", "full"), '"full" is none'),
        (("--plan", "cx23", "--region", "fsn1", "--cert", "x"), "are for --https"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_before_anything_is_made(
    typed: Any, home: Path, providers: Clouds, words: tuple[str, ...], said: str
) -> None:
    answer = typed("prov", "prod", "--provider", "hetzner", *words, "--yes")
    assert answer.code in (1, 2)
    assert said in answer.err
    assert not (home / "environments").exists()
    assert providers.is_clear


def test_https_needs_a_project(typed: Any, tmp_path: Path) -> None:
    answer = typed("prov", "prod", *HETZNER, *CLOUDFLARE, "--yes", at=tmp_path)
    assert (answer.code, "no project's folder" in answer.err) == (2, True)


def test_a_name_is_not_taken_from_another_project_unasked(typed: Any, home: Path) -> None:
    text = (
        '[server]\nhost = "box.example.com"\nhostname = "app.example.com"\n'
        '[provision]\ninstallation = "abcdefgh"\nproject = "blog"\n'
    )
    write_files(home, {"environments/mine.toml": text})
    answer = typed("https", "mine", "shop.example.com")
    assert answer.code == 2
    assert "app.example.com of mine leads to blog" in answer.err
    assert (home / "environments/mine.toml").read_text() == text


def test_one_that_was_begun_and_has_no_server_yet(typed: Any, home: Path, providers: Clouds) -> None:
    providers.hetzner.quota = 0
    typed("prov", "prod", *HETZNER, *QUICK)
    answer = typed("check", "prod")
    assert answer.code == 3
    assert "environment prod has no server yet: it was begun, and not finished" in answer.err
    assert "Go on: freehold env prov prod." in answer.err
    FileCredentialStore(home).put(CredentialRef("gateway_api_key", "prod"), {"key": Secret("x" * 20)})
    assert typed("deprov", "prod", "--yes").code == 0
    assert FileCredentialStore(home).fields(CredentialRef("gateway_api_key", "prod")) == []


def test_quota(typed: Any, providers: Clouds) -> None:
    providers.hetzner.quota = 0
    answer = typed("prov", "prod", *HETZNER, *QUICK)
    assert answer.code == 1
    assert "could not create the server fh-prod-" in answer.err
    assert "server limit reached (403)" in answer.err
    assert "ask for a higher limit" in answer.err
    assert "Made so far: the SSH key, the firewall." in answer.err
    providers.hetzner.quota = 5
    assert "the server (id" in typed("prov", "prod", *QUICK).err
    assert typed("deprov", "prod", "--yes").code == 0
    assert providers.is_clear


def test_a_plan_that_is_gone_from_the_region_and_another_one_then(typed: Any, home: Path, providers: Clouds) -> None:
    providers.hetzner.sold_out.add(("cx23", "fsn1"))
    answer = typed("prov", "prod", *HETZNER, *QUICK)
    assert (answer.code, "plan cx23 is not sold in fsn1 now" in answer.err) == (1, True)
    providers.hetzner.sold_out.clear()
    providers.hetzner.faults.append(
        Fault("POST /servers", 412, body={"error": {"code": "resource_unavailable", "message": "x"}})
    )
    typed("prov", "prod", *HETZNER, *QUICK)
    providers.hetzner.sold_out.add(("cx23", "fsn1"))
    answer = typed("prov", "prod", *QUICK)
    assert "plan cx23 is not sold in fsn1 now" in answer.err
    assert "It is sold in: hel1." in answer.err
    answer = typed("prov", "prod", "--region", "hel1", *QUICK)
    assert "the server (id" in answer.err, "before the server is there, flags change what is wanted"
    assert written(home)["server"]["hetznerLocation"] == "hel1"
    answer = typed("prov", "prod", "--region", "fsn1", *QUICK)
    assert (answer.code, "was begun with --region hel1" in answer.err) == (1, True)


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (Fault("POST /firewalls", 429, headers={"retry-after": "1"}, body={}), 1, "not ready after"),
        (Fault("POST /servers", 503, carried_out=True), 1, "not ready after"),
        (Fault("POST /servers", how="cut", carried_out=True), 1, "not ready after"),
        (Fault("GET /server_types", how="garbage"), 1, "not ready after"),
        (Fault("GET /locations", 500), 1, "not ready after"),
        (Fault("POST /ssh_keys", 429, headers={"retry-after": "900"}, body={}), 1, "It asks to wait 900 s"),
    ],
)  # fmt: skip
def test_providers_that_falter(typed: Any, providers: Clouds, fault: Fault, code: int, said: str) -> None:
    providers.hetzner.faults.append(fault)
    answer = typed("prov", "prod", *HETZNER, *QUICK)
    assert (answer.code, said in answer.err) == (code, True), answer.err
    assert len(providers.hetzner.servers) <= 1
    assert typed("deprov", "prod", "--yes").code == 0
    assert providers.is_clear


def test_a_name_that_others_have(typed: Any, home: Path, providers: Clouds) -> None:
    providers.cloudflare.add_record("A", "app.example.com", "203.0.113.9")
    answer = typed("prov", "prod", *HETZNER, *CLOUDFLARE, *QUICK)
    assert answer.code == 1
    assert "app.example.com has records that Freehold did not make:" in answer.err
    assert "A app.example.com 203.0.113.9" in answer.err
    assert "--replace-records" in answer.err
    assert not (home / "environments").exists()
    answer = typed("prov", "prod", *HETZNER, *CLOUDFLARE, *QUICK, "--replace-records")
    assert "Go on: freehold env prov prod --replace-records" in answer.err


def test_what_is_there_already(typed: Any, home: Path) -> None:
    write_files(home, {"environments/mine.toml": '[server]\nhost = "box.example.com"\n'})
    answer = typed("prov", "mine", *HETZNER, "--yes")
    assert answer.code == 1
    assert "environment mine is there already" in answer.err
    assert "freehold env https mine HOSTNAME" in answer.err
    assert typed("prov", "No Name", *HETZNER).code == 2
    assert typed("deprov", "nobody", "--yes").code == 1


def test_an_existing_server_that_does_not_answer(typed: Any, home: Path, providers: Clouds) -> None:
    answer = typed("prov", "mine", "--provider", "existing", "--host", "root@127.0.0.1:9", "--yes")
    assert answer.code == 5
    assert "mine cannot be reached: 127.0.0.1 port 9" in answer.err
    assert "Nothing was made." in answer.err
    assert "Undo: freehold env remove mine" in answer.err, "a teardown would have to ask it"
    assert written(home, "mine")["server"] == {"host": "127.0.0.1", "user": "root", "provider": "existing", "port": 9}
    gone = typed("deprov", "mine", "--yes")
    assert "the server cannot be asked" in gone.err
    assert (gone.code, "not done; mine is kept" in gone.out) == (1, True), "a job that takes it down has failed"
    assert "everything on the server, which cannot be reached" in gone.err
    assert (home / "environments/mine.toml").exists()
    assert providers.hetzner.asked == []


def test_a_removal_that_fails_is_told_and_can_be_done_again(typed: Any, home: Path, providers: Clouds) -> None:
    typed("prov", "prod", *HETZNER, *QUICK)
    providers.hetzner.faults += [Fault("DELETE /ssh_keys", 403, body={"error": {"code": "forbidden", "message": "no"}})]
    answer = typed("deprov", "prod", "--yes")
    assert answer.code == 1
    assert "SSH key fh-prod-" in answer.out
    assert "by hand: https://console.hetzner.com, your project" in answer.out
    assert "again: freehold env deprov prod" in answer.err
    assert (home / "environments/prod.toml").exists()
    answer = typed("deprov", "prod", "--yes")
    assert (answer.code, "nothing of it is left" in answer.out) == (0, True)
    assert providers.is_clear


def test_another_installation_of_the_same_name_is_left_alone(
    typed: Any, home: Path, project: Path, tmp_path: Path, providers: Clouds
) -> None:
    typed("prov", "prod", *HETZNER, *QUICK)
    providers.keep_tokens(tmp_path / "other")
    freehold("env", "prov", "prod", *HETZNER, *QUICK, home=tmp_path / "other", project=project)
    assert len(providers.hetzner.servers) == 2
    assert typed("deprov", "prod", "--yes").code == 0
    assert len(providers.hetzner.servers) == 1
    assert len(providers.hetzner.firewalls) == 1

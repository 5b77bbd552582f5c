"""Environments: what their files may say, and how they are changed."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.client.server_target import target_of
from freehold.project.credential import CredentialRef
from freehold.project.environments import environment_of
from freehold.project.keys import PROVISION_KEYS
from freehold.project.problems import Problems
from freehold.project.provision import Provision, key_of
from freehold.store.credentials import MemoryCredentialStore
from freehold.store.environments import Environments
from tests.support.folders import write_files


def problems_of(server: dict[str, Any], **tables: Any) -> list[str]:
    problems = Problems()
    environment_of("prod", {"server": server, **tables}, "f", problems)
    return [str(problem) for problem in problems.errors]


@pytest.mark.parametrize(
    "server",
    [
        {"host": "box.example.com"}, {"host": "203.0.113.7"}, {"host": "2001:db8::1"}, {"host": "my-alias_1"}, {},
        {"host": "a", "user": "deploy.bot", "port": 2222, "basePath": "/srv/free-hold", "expose": False},
        {"host": "a", "hetznerServerId": 7, "vultrInstanceId": "x", "cloudflareHostname": "a.example.com"},
        {"host": "a", "hostKey": "SHA256:" + "a" * 43},
    ],
)  # fmt: skip
def test_what_is_right(server: dict[str, Any]) -> None:
    assert problems_of(server, models={"m": {"provider": "nobody checks this here"}}) == []


def test_what_was_bought() -> None:
    table = {"installation": "abcd1234", "done": ["record", "key"], "sslMode": "host-rule", "certificateId": "7"}
    found = environment_of("prod", {"server": {"provider": "fake"}, "provision": table}, "f", Problems()).provision
    assert found == Provision("abcd1234", ("record", "key"), certificate_id="7", ssl_mode="host-rule")
    assert {key_of(field.name) for field in fields(Provision)} == {key.name for key in PROVISION_KEYS}
    assert problems_of({}, provision={"installation": "A"}) == [
        'f: provision.installation: "A" is not 4 to 8 of a-z and 0-9'
    ]
    assert problems_of({}, provision={"installation": "abcd", "sslMode": "x"}) != []


@pytest.mark.parametrize(
    ("server", "problem"),
    [
        ({"host": "REPLACE_ME"}, "f: server.host: is still to be filled in"),
        ({"host": "-oProxyCommand=x"}, 'f: server.host: "-oProxyCommand=x" is neither a name nor an address'),
        ({"host": "a b"}, 'f: server.host: "a b" is neither a name nor an address'),
        ({"host": "a", "hostname": "a b"}, 'f: server.hostname: "a b" is no name'),
        ({"host": "a", "user": "-l"}, 'f: server.user: "-l" is not the name of a user'),
        ({"host": "a", "user": "a;b"}, 'f: server.user: "a;b" is not the name of a user'),
        ({"host": "a", "port": 65536}, "f: server.port: must be at most 65535, not 65536"),
        ({"host": "a", "port": "22"}, "f: server.port: must be a whole number, not a string"),
        ({"host": "a", "basePath": "opt"}, 'f: server.basePath: "opt" must be like /opt/freehold'),
        ({"host": "a", "basePath": "/opt/../etc"}, 'f: server.basePath: "/opt/../etc" must be like /opt/freehold'),
        ({"host": "a", "basePath": "/opt/$(x)"}, 'f: server.basePath: "/opt/$(x)" must be like /opt/freehold'),
        ({"host": "a", "hots": "b"}, 'f: server.hots: unknown key "hots" (did you mean "host"?)'),
        ({"host": "a", "hostKey": "SHA256:x"}, "f: server.hostKey: is no fingerprint; it has 43 characters"),
    ],
)
def test_mistakes(server: dict[str, Any], problem: str) -> None:
    (told,) = problems_of(server)
    assert told.startswith(problem)


def test_a_server_that_is_no_table() -> None:
    problems = Problems()
    environment_of("prod", {"server": "box"}, "f", problems)
    assert [str(each) for each in problems.errors] == ["f: server: must be a table, not a string"]


def test_changes_keep_comments_and_the_mode(tmp_path: Path) -> None:
    write_files(tmp_path, {"environments/prod.toml": '# mine\n[server]\nhost = "a" # big\nport = 2222\n'})
    inventory = Environments(tmp_path)
    inventory.change("prod", {"server": {"hostKey": "SHA256:" + "a" * 43, "port": None}, "gateway": {"port": 80}})
    assert inventory.file("prod").read_text() == (
        f'# mine\n[server]\nhost = "a" # big\nhostKey = "SHA256:{"a" * 43}"\n\n[gateway]\nport = 80\n'
    )
    assert inventory.file("prod").stat().st_mode & 0o777 == 0o600
    assert list(inventory.file("prod").parent.iterdir()) == [inventory.file("prod")]


def test_a_link_is_followed_and_stays_one(tmp_path: Path) -> None:
    write_files(tmp_path, {"dotfiles/prod.toml": '[server]\nhost = "a"\n', "environments/x.toml": ""})
    inventory = Environments(tmp_path)
    inventory.file("prod").symlink_to(tmp_path / "dotfiles/prod.toml")
    inventory.change("prod", {"server": {"port": 2222}})
    assert inventory.file("prod").is_symlink()
    assert "port = 2222" in (tmp_path / "dotfiles/prod.toml").read_text()


def test_the_target_of_an_environment(tmp_path: Path) -> None:
    write_files(tmp_path, {"environments/a.toml": '[server]\nhost = "box"\n', "environments/b.toml": ""})
    inventory, store = Environments(tmp_path), MemoryCredentialStore()
    target = target_of(inventory.read("a"), store)
    assert (target.host, target.user, target.port, target.keys) == ("box", "", 0, ())
    store.put(CredentialRef("vps_ssh"), {"private_key": Secret("usual")})
    assert [key.reveal() for key in target_of(inventory.read("a"), store).keys] == ["usual"]
    store.put(CredentialRef("vps_ssh", "a"), {"private_key": Secret("its own")})
    assert [key.reveal() for key in target_of(inventory.read("a"), store).keys] == ["its own"]
    with pytest.raises(FreeholdError, match="environment b has no server") as raised:
        target_of(inventory.read("b"), store)
    assert raised.value.code is Code.CONFIG


def test_one_process_at_a_time_makes_or_takes_down(tmp_path: Path) -> None:
    inventory, other = Environments(tmp_path), Environments(tmp_path)
    with inventory.held("prod"):
        with (
            pytest.raises(FreeholdError, match="another freehold makes or takes down prod") as raised,
            other.held("prod"),
        ):
            pass
        assert raised.value.code is Code.BUSY
        with other.held("staging"):
            pass
    with other.held("prod"):
        assert inventory.names() == []
    assert list((tmp_path / "environments").iterdir()) == []

"""`freehold env init|list|show|set|remove`: what they write, and how mistakes in the files are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import Answer, freehold
from tests.support.folders import one_agent, write_files

PROD = """\
# mine
[server]
host = "box.example.com"  # the big one
user = "deploy"
port = 2222
provider = "hetzner"
hetznerServerId = 17
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_files(tmp_path / "shop", one_agent())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return write_files(tmp_path / "home", {"environments/prod.toml": PROD})


def typed(project: Path, home: Path, *words: str) -> Answer:
    return freehold("env", *words, home=home, project=project)


def test_none_yet(project: Path, tmp_path: Path) -> None:
    answer = typed(project, tmp_path / "nowhere", "list")
    assert (answer.code, "freehold env add USER@HOST" in answer.out) == (0, True)
    assert "freehold sandbox create NAME --env NAME" in answer.out
    answer = typed(project, tmp_path / "nowhere", "check")
    assert answer.code == 2
    assert "bound to none" in answer.err
    assert not (tmp_path / "nowhere").exists()


def test_list_and_show(project: Path, home: Path) -> None:
    (home / "environments/broken.toml").write_text('[server]\nhost = "a b"\nprot = 1\n')
    lines = typed(project, home, "list", "-E", "prod").out.splitlines()
    assert lines[0].split() == ["ENVIRONMENT", "SERVER", "PROVIDER", "PROBLEM"]
    assert '"a b" is neither a name nor an address' in lines[1]
    assert 'unknown key "prot" (did you mean "port"?)' in lines[1]
    assert lines[2].split() == ["prod*", "deploy@box.example.com:2222", "hetzner"]
    shown = json.loads(typed(project, home, "show", "prod", "--json").out)
    assert (shown["host"], shown["user"], shown["port"], shown["ids"]) == (
        "box.example.com", "deploy", 2222, {"hetznerServerId": 17},
    )  # fmt: skip
    told = typed(project, home, "show", "prod").out
    for line in ("  basePath:        /opt/freehold\n", "  expose:          true\n", "  hetznerServerId: 17\n"):
        assert line in told, "in the words of the file"
    answer = typed(project, home, "show", "broken")
    assert answer.code == 3
    assert f"{home}/environments/broken.toml: server.host" in answer.err


def test_an_environment_that_is_not_there(project: Path, home: Path) -> None:
    for words in (["show", "prd"], ["set", "prd"], ["remove", "prd", "-y"], ["check", "prd"], ["logs", "prd"]):
        answer = typed(project, home, *words)
        assert (answer.code, 'did you mean "prod"' in answer.err) == (1, True), words


@pytest.mark.parametrize("name", ["Prod", "-x", "a b", "../x", "local", "", "x" * 51])
def test_names_that_are_none(project: Path, home: Path, name: str) -> None:
    before = sorted(home.rglob("*"))
    assert typed(project, home, "init", "--", name).code == 2
    assert typed(project, home, "add", "root@127.0.0.1", f"--name={name}").code == 2
    assert sorted(home.rglob("*")) == before


def test_init_writes_what_is_to_be_filled_in(project: Path, home: Path) -> None:
    answer = typed(project, home, "init", "stage")
    file = home / "environments/stage.toml"
    assert (answer.code, answer.out) == (0, f"{file}\n")
    assert file.stat().st_mode & 0o777 == 0o600
    answer = typed(project, home, "check", "stage")
    assert answer.code == 3
    assert "server.host: is still to be filled in" in answer.err
    assert "`freehold env check stage` checks everything again" in answer.err
    assert typed(project, home, "init", "stage").code == 1


def test_set_keeps_the_rest_of_the_file(project: Path, home: Path) -> None:
    overlay = project / ".env.toml"
    overlay.write_text('# local\nprojectName = "Shop"\n\n[gateway]\nport = 9000\n')
    overlay.chmod(0o640)
    assert typed(project, home, "set", "prod").code == 0
    assert overlay.read_text() == 'environment = "prod"\n# local\nprojectName = "Shop"\n\n[gateway]\nport = 9000\n'
    assert overlay.stat().st_mode & 0o777 == 0o640
    assert typed(project, home, "set").out == "this project is bound to prod\n"
    assert typed(project, home, "set", "--none").out == "this project is bound to no environment\n"
    assert overlay.read_text() == '# local\nprojectName = "Shop"\n\n[gateway]\nport = 9000\n'


def test_a_binding_that_leads_nowhere_is_the_project_here(project: Path, home: Path) -> None:
    (home / "environments/layer.toml").write_text("[local]\ntimeout = 60\n")
    typed(project, home, "set", "layer")
    assert "Start it: freehold start" in freehold("status", home=home, project=project).err
    assert "neither a server nor a gateway.url" in freehold("status", "-E", "layer", home=home, project=project).err
    (home / "environments/layer.toml").unlink()
    assert "unknown environment" in freehold("status", home=home, project=project).err


def test_remove_forgets_the_file_and_the_binding(project: Path, home: Path) -> None:
    typed(project, home, "set", "prod")
    answer = typed(project, home, "remove", "prod")
    assert answer.code == 2
    assert "the only record of a server at hetzner" in answer.err
    assert (home / "environments/prod.toml").exists()
    assert typed(project, home, "remove", "prod", "--yes").code == 0
    assert not (home / "environments/prod.toml").exists()
    assert "environment" not in (project / ".env.toml").read_text()


def test_what_is_about_this_machine_says_so_when_a_server_is_named(project: Path, home: Path) -> None:
    told = "is on this machine, and not on prod"
    answer = freehold("shell", "nobody", "-E", "prod", home=home, project=project)
    assert (answer.code, f"warning: this shell {told}" in answer.err) == (1, True)
    assert told not in freehold("shell", "nobody", "-E", "prod", "--quiet", home=home, project=project).err
    assert told not in freehold("shell", "nobody", "-E", "local", home=home, project=project).err

"""The base image, looked at from inside: what docs/dockerfiles.md promises, and what no agent may change."""

from __future__ import annotations

import json

import pytest

from freehold.runtime.images.layers import INPUTS_LABEL
from freehold.wire import places
from tests.support.images import docker, inside

pytestmark = pytest.mark.docker

TOOLS = (
    *("git --version", "curl --version", "ssh -V", "jq --version", "python3 --version", "pip --version"),
    *("python3 -m venv /tmp/x", "node --version", "npm --version", "npx --version", "update-ca-certificates --help"),
)


@pytest.mark.parametrize("command", TOOLS)
def test_the_tools_that_the_page_lists(base_image: str, command: str) -> None:
    inside(base_image, command)


def test_it_runs_as_the_runners_image(base_image: str) -> None:
    config = json.loads(docker("image", "inspect", base_image))[0]["Config"]
    assert config["User"] == "node"
    assert config["WorkingDir"] == places.WORKING_DIRECTORY
    assert tuple(config["Entrypoint"]) == places.RUNNER_COMMAND
    assert not config["Cmd"]
    assert config["Labels"][INPUTS_LABEL] == base_image.partition(":")[2]
    assert not config["Volumes"]


def test_the_user_and_the_places(base_image: str) -> None:
    script = """
    id -u; id -g; echo ~; . /etc/os-release; echo $VERSION_CODENAME
    stat -c '%U %F' /workspace /run/freehold /app/agent /app/static/shared /credentials
    """
    assert inside(base_image, script).splitlines() == [
        *("1000", "1000", places.HOME_DIRECTORY, "trixie"),
        *("node directory", "node directory", "root directory", "root directory", "root directory"),
    ]


def test_action_llamas_paths_lead_to_the_agents_folder(base_image: str) -> None:
    found = inside(base_image, "readlink -m /app/static/SKILL.md /app/static/config.toml")
    assert found.splitlines() == ["/app/agent/SKILL.md", "/app/agent/config.toml"]


def test_nothing_of_ours_can_be_written_by_the_agent(base_image: str) -> None:
    """Also where the root would not be read-only."""
    found = docker(
        "run", "--rm", "--entrypoint", "find", base_image, "/app", "/usr/local", "-writable", "-not", "-type", "l"
    )
    assert found == ""


def test_everything_of_ours_is_compiled(base_image: str) -> None:
    script = """
    cd /app/lib
    for source in $(find . -name '*.py'); do
      [ -e "$(dirname $source)/__pycache__/$(basename $source .py).cpython-313.pyc" ] || echo $source
    done
    """
    assert inside(base_image, script) == ""


@pytest.mark.parametrize("module", ["freehold.runner.main", "freehold.runner.fh", "freehold.harness.main"])
def test_what_travels_can_be_imported(base_image: str, module: str) -> None:
    inside(base_image, f"python3 -IS -c 'import sys; sys.path.insert(0, \"/app/lib\"); import {module}'")


def test_the_agents_environment_does_not_decide_what_the_runner_imports(base_image: str) -> None:
    script = """
    mkdir /tmp/freehold && echo 'print("captured")' > /tmp/freehold/__init__.py && cp -r /tmp/freehold /tmp/json
    cd /tmp; PYTHONPATH=/tmp PYTHONSTARTUP=/tmp/freehold/__init__.py /app/bin/fh 2>&1 || true
    """
    assert "captured" not in inside(base_image, script)


def test_every_alias_is_there(base_image: str) -> None:
    aliases = (
        "al-status al-rerun al-return al-exit al-shutdown al-subagent al-subagent-check al-subagent-wait "
        "rlock runlock rlock-heartbeat setenv"
    )
    found = inside(base_image, f"for name in {aliases}; do readlink -f $(command -v $name); done")
    assert set(found.splitlines()) == {"/app/bin/fh"}


def test_the_hosts_own_authorities_are_trusted(base_image: str) -> None:
    """As many certificates as the host handed on are in the list that every program is pointed at."""
    script = """
    count() { grep -c 'BEGIN CERTIFICATE' "$@" || true; }
    mozilla=$(find /usr/share/ca-certificates -name '*.crt' | wc -l)
    ours=$(find /usr/local/share/ca-certificates -name '*.crt' | wc -l)
    all=$(count /etc/ssl/certs/ca-certificates.crt)
    echo $((all - mozilla - ours)); env | grep -c =/etc/ssl/certs/ca-certificates.crt
    """
    missing, variables = inside(base_image, script).splitlines()
    assert int(missing) == 0
    assert int(variables) >= 4

"""The variables of a run, as tables of what is there and what is not."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from freehold.base.secret import Secret
from freehold.runner.credentials import Held
from freehold.runner.environment import Scene, at_port, build_environment
from freehold.wire.brief import Brief, Harness, McpServer, StagedCredential

SCENE = Scene(Path("/run/freehold"), Path("/tmp/.freehold"), Path("/app/bin"))


def brief(**changes: Any) -> Brief:
    told: dict[str, Any] = {"run_id": "dev-1", "agent": "dev", "skill": "", "prompt": "", **changes}
    return Brief(harness=Harness("builtin", ["/app/bin/harness"]), **told)


def env(
    held: Held | None = None, scene: Scene = SCENE, inherited: dict[str, str] | None = None, **told: Any
) -> dict[str, str]:
    return build_environment(brief(**told), held or Held(), scene, inherited or {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ANTHROPIC_BASE_URL", "http://127.0.0.1:7701/model/anthropic"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:7701/model/openai/v1"),
        ("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:7701/model/google"),
        ("OPENAI_API_KEY", "kept-by-freehold"),
        ("HTTPS_PROXY", "http://127.0.0.1:7702"),
        ("https_proxy", "http://127.0.0.1:7702"),
        ("http_proxy", "http://127.0.0.1:7702"),
        ("NO_PROXY", "localhost,127.0.0.1,::1"),
        ("no_proxy", "localhost,127.0.0.1,::1"),
        ("NODE_USE_ENV_PROXY", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("HOME", "/home/node"),
        ("XDG_CACHE_HOME", "/workspace/.cache"),
        ("npm_config_cache", "/workspace/.cache/npm"),
        ("PIP_CACHE_DIR", "/workspace/.cache/pip"),
        ("AL_CREDENTIALS_PATH", "/credentials"),
        ("AL_INSTANCE_ID", "dev-1"),
        ("AL_ENV_FILE", "/tmp/.freehold/env.sh"),
        ("BASH_ENV", "/tmp/.freehold/setup.sh"),
        ("FREEHOLD_RUN_DIR", "/run/freehold"),
        ("FREEHOLD_PERMISSIONS", "allow"),
    ],
)
def test_what_every_run_has(name: str, value: str) -> None:
    assert env()[name] == value


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", "/app/bin:/usr/local/bin:/usr/bin:/bin"),
        ("/usr/bin:/bin", "/app/bin:/usr/bin:/bin"),
        ("/usr/bin:/app/bin", "/app/bin:/usr/bin"),
    ],
)
def test_our_programs_come_first(path: str, expected: str) -> None:
    assert env(inherited={"PATH": path})["PATH"] == expected


@pytest.mark.parametrize("network", ["open", "none"])
def test_only_the_allow_list_has_a_proxy(network: str) -> None:
    made = env(Held(ssh_key=Secret("k")), Scene(*SCENE_PARTS, ssh_key=Path("/tmp/k")), network=network)
    assert not [name for name in made if "proxy" in name.lower() and name.lower() != "no_proxy"]
    assert "ProxyCommand" not in made["GIT_SSH_COMMAND"]
    assert made["OPENAI_BASE_URL"], "models are reached in any network"


SCENE_PARTS = (Path("/run/freehold"), Path("/tmp/.freehold"), Path("/app/bin"))


def test_credentials_win_over_the_image_and_the_brief_over_both() -> None:
    held = Held({"GITHUB_TOKEN": Secret("t"), "A": Secret("credential")})
    made = env(
        held, inherited={"GITHUB_TOKEN": "image", "A": "image", "B": "image"}, env={"A": "brief", "PATH": "/evil"}
    )
    assert (made["GITHUB_TOKEN"], made["A"], made["B"]) == ("t", "brief", "image")
    assert made["PATH"].startswith("/app/bin:")


def test_the_token_is_for_github_alone() -> None:
    made = env(Held({"GITHUB_TOKEN": Secret("ghp_0123")}))
    pairs = [(made[f"GIT_CONFIG_KEY_{n}"], made[f"GIT_CONFIG_VALUE_{n}"]) for n in range(int(made["GIT_CONFIG_COUNT"]))]
    helpers = [(key, value) for key, value in pairs if "helper" in key]
    assert [key for key, _ in helpers] == ["credential.https://github.com.helper"] * 2
    assert helpers[0][1] == "", "whatever helper the image has is not asked"
    assert (
        "t" not in helpers[1][1].replace("test", "").replace("token", "").replace("get", "").replace("echo", "").split()
    )


def test_without_a_token_there_is_no_helper() -> None:
    made = env()
    assert [made[f"GIT_CONFIG_KEY_{n}"] for n in range(int(made["GIT_CONFIG_COUNT"]))] == ["http.proxy"]


def test_gits_own_variables_of_the_image_are_kept() -> None:
    made = env(inherited={"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"})
    assert (made["GIT_CONFIG_COUNT"], made["GIT_CONFIG_KEY_0"], made["GIT_CONFIG_KEY_1"]) == (
        "2", "safe.directory", "http.proxy",
    )  # fmt: skip


def test_git_over_ssh_goes_through_the_proxy_with_this_key_alone() -> None:
    words = shlex.split(env(scene=Scene(*SCENE_PARTS, ssh_key=Path("/tmp/a key")))["GIT_SSH_COMMAND"])
    assert words[:5] == ["ssh", "-F", "/dev/null", "-i", "/tmp/a key"]
    assert words[5::2] == ["-o"] * 5
    assert set(words[6::2]) == {
        "IdentitiesOnly=yes", "BatchMode=yes", "StrictHostKeyChecking=accept-new",
        "UserKnownHostsFile=/workspace/.ssh/known_hosts", "ProxyCommand=/app/bin/fh connect %h %p",
    }  # fmt: skip


def test_git_over_ssh_without_a_key_says_what_is_missing(tmp_path: Path) -> None:
    held = [StagedCredential("git_ssh", "default", {})]
    made = env(credentials=held)
    command = ["git", "clone", "git@github.com:freehold/it.git", str(tmp_path / "it")]
    places = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    said = {name: made[name] for name in ("GIT_SSH_COMMAND", "GIT_SSH_VARIANT")}
    done = subprocess.run(command, env={**places, **said}, capture_output=True, text=True)
    assert "holds no private key (id_rsa)" in done.stderr
    for others in (env(), env(network="open", credentials=held)):
        assert "GIT_SSH_COMMAND" not in others
    assert env(inherited={"GIT_SSH_COMMAND": "mine"}, credentials=held)["GIT_SSH_COMMAND"] == "mine"


def test_another_port_is_another_port_everywhere() -> None:
    url = "http://127.0.0.1:7701/model/openai/v1"
    moved = at_port(
        Brief(
            run_id="r", agent="a", skill=url, prompt="",
            harness=Harness("codex", ["codex", "-c", f'base_url="{url}"'], {"CONFIG": f'{{"url":"{url}"}}'}),
            mcp_servers=[McpServer("docs", url="http://127.0.0.1:7701/mcp/docs")],
        ),
        40000,
    )  # fmt: skip
    assert moved.harness.command[2] == 'base_url="http://127.0.0.1:40000/model/openai/v1"'
    assert moved.harness.env["CONFIG"] == '{"url":"http://127.0.0.1:40000/model/openai/v1"}'
    assert moved.mcp_servers[0].url == "http://127.0.0.1:40000/mcp/docs"
    assert moved.skill == url, "what a person wrote is not touched"

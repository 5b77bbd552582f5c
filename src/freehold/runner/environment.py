"""The variables that hooks, harness and tools of a run see. Pure, but for the paths it names."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from freehold.runner.credentials import GITHUB_VARIABLE, SSH_KEY_FIELD, SSH_TYPE, Held
from freehold.wire import places
from freehold.wire.brief import Brief

ENV_FILE_VARIABLE = "FREEHOLD_ENV_FILE"
"""Names the file in which `setenv` keeps variables between calls."""
ALLOWLIST = "allowlist"
_PROXIED_BY = ("HTTP_PROXY", "HTTPS_PROXY")
_NOT_PROXIED = "localhost,127.0.0.1,::1"


@dataclass(frozen=True)
class Scene:
    """Where the runner has put things: `state_dir` is private to the run, `bin_dir` holds `fh` and its aliases."""

    run_dir: Path
    state_dir: Path
    bin_dir: Path
    model_port: int = places.MODEL_PORT
    egress_port: int = places.EGRESS_PORT
    ssh_key: Path | None = None

    @property
    def env_file(self) -> Path:
        return self.state_dir / "env.sh"

    @property
    def shell_setup(self) -> Path:
        return self.state_dir / "setup.sh"


def at_port(brief: Brief, model_port: int) -> Brief:
    """The brief with its loopback addresses at the port that could be had: on a shared loopback 7701 may be taken."""
    if model_port == places.MODEL_PORT:
        return brief

    def moved(text: str) -> str:
        return text.replace(f"127.0.0.1:{places.MODEL_PORT}", f"127.0.0.1:{model_port}")

    harness = msgspec.structs.replace(
        brief.harness,
        command=[moved(word) for word in brief.harness.command],
        env={name: moved(value) for name, value in brief.harness.env.items()},
    )
    servers = [msgspec.structs.replace(server, url=moved(server.url)) for server in brief.mcp_servers]
    return msgspec.structs.replace(brief, harness=harness, mcp_servers=servers)


def build_environment(brief: Brief, held: Held, scene: Scene, inherited: Mapping[str, str]) -> dict[str, str]:
    """Everything, the later winning: what the image sets, our own, the agent's credentials, what the brief adds."""
    variables = dict(inherited)
    variables |= _places(brief, scene, inherited.get("PATH", ""))
    variables |= _models(scene)
    if brief.network == ALLOWLIST:
        variables |= _proxy(scene)
    variables |= _caches(brief)
    variables |= {name: secret.reveal() for name, secret in held.variables.items()}
    variables |= {name: value for name, value in brief.env.items() if name != "PATH"}
    if scene.ssh_key:
        variables["GIT_SSH_COMMAND"] = _git_ssh(brief, scene)
    elif _lacks_its_ssh_key(brief) and "GIT_SSH_COMMAND" not in variables:
        # Past the proxy, ssh finds no name at all, which says nothing about what is missing.
        variables |= {"GIT_SSH_COMMAND": _no_ssh(), "GIT_SSH_VARIANT": "ssh"}
    return variables | _git_config(brief, scene, variables)


def _places(brief: Brief, scene: Scene, path: str) -> dict[str, str]:
    bin_dir = str(scene.bin_dir)
    rest = [part for part in (path or "/usr/local/bin:/usr/bin:/bin").split(":") if part != bin_dir]
    return {
        "HOME": brief.home_dir,
        "PATH": ":".join([bin_dir, *rest]),
        "TMPDIR": brief.working_dir,
        "LANG": "C.UTF-8",
        places.RUN_DIRECTORY_VARIABLE: str(scene.run_dir),
        "FREEHOLD_RUN_ID": brief.run_id,
        "FREEHOLD_AGENT": brief.agent,
        "FREEHOLD_PERMISSIONS": brief.permissions,
        ENV_FILE_VARIABLE: str(scene.env_file),
        # bash reads the one when it runs a command, sh the other when a person is there
        "BASH_ENV": str(scene.shell_setup),
        "ENV": str(scene.shell_setup),
        # the names that agents written for Action Llama know
        "AL_ENV_FILE": str(scene.env_file),
        "AL_CREDENTIALS_PATH": brief.credentials_dir,
        "AL_WORK_DIR": brief.working_dir,
        "AL_INSTANCE_ID": brief.run_id,
    }


def _models(scene: Scene) -> dict[str, str]:
    """Provider SDKs are led to the model gateway; the keys are placeholders, since the real ones stay outside."""
    gateway = f"http://127.0.0.1:{scene.model_port}/model"
    keys = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY")
    return {
        "ANTHROPIC_BASE_URL": f"{gateway}/anthropic",
        "OPENAI_BASE_URL": f"{gateway}/openai/v1",
        "GOOGLE_GEMINI_BASE_URL": f"{gateway}/google",
    } | dict.fromkeys(keys, places.PLACEHOLDER_KEY)


def _proxy(scene: Scene) -> dict[str, str]:
    proxy = f"http://127.0.0.1:{scene.egress_port}"
    upper = dict.fromkeys(_PROXIED_BY, proxy) | {"NO_PROXY": _NOT_PROXIED}
    lower = {name.lower(): value for name, value in upper.items()}
    return upper | lower | {"NODE_USE_ENV_PROXY": "1"}


def _caches(brief: Brief) -> dict[str, str]:
    """Caches live on the workspace: home is small, and what was downloaded once is there in the next run."""
    cache = f"{brief.workspace_dir}/.cache"
    return {"XDG_CACHE_HOME": cache, "PIP_CACHE_DIR": f"{cache}/pip", "npm_config_cache": f"{cache}/npm"}


def _git_ssh(brief: Brief, scene: Scene) -> str:
    """Host keys are taken at first sight and kept on the workspace, so that a later change of one is noticed."""
    options = {
        "IdentitiesOnly": "yes",
        "BatchMode": "yes",
        "StrictHostKeyChecking": "accept-new",
        "UserKnownHostsFile": f"{brief.workspace_dir}/.ssh/known_hosts",
    }
    if brief.network == ALLOWLIST:
        options["ProxyCommand"] = f"{shlex.quote(str(scene.bin_dir / 'fh'))} connect %h %p"
    words = ["ssh", "-F", "/dev/null", "-i", str(scene.ssh_key)]
    for name, value in options.items():
        words += ["-o", f"{name}={value}"]
    return shlex.join(words)


def _lacks_its_ssh_key(brief: Brief) -> bool:
    held = {field for credential in brief.credentials if credential.type == SSH_TYPE for field in credential.fields}
    is_listed = any(credential.type == SSH_TYPE for credential in brief.credentials)
    return brief.network == ALLOWLIST and is_listed and SSH_KEY_FIELD not in held


def _no_ssh() -> str:
    said = (
        f"freehold: git over SSH cannot be used in this run: the credential {SSH_TYPE} holds no private key "
        f"({SSH_KEY_FIELD}). Store one (freehold creds add {SSH_TYPE}), or use an https:// address."
    )
    return shlex.join(["sh", "-c", f"echo {shlex.quote(said)} >&2; exit 255"])


def _git_config(brief: Brief, scene: Scene, variables: Mapping[str, str]) -> dict[str, str]:
    """git's configuration through its own variables, after whatever the brief brought in the same way."""
    pairs: list[tuple[str, str]] = []
    if brief.network == ALLOWLIST:
        pairs.append(("http.proxy", f"http://127.0.0.1:{scene.egress_port}"))
    if GITHUB_VARIABLE in variables:
        helper = f'!f() {{ test "$1" = get && echo username=x-access-token && echo "password=${GITHUB_VARIABLE}"; }}; f'
        # The empty one first: whatever helper the image has is not asked for github.com, and never told the token.
        pairs += [("credential.https://github.com.helper", ""), ("credential.https://github.com.helper", helper)]
    first = int(variables.get("GIT_CONFIG_COUNT", "0") or 0)
    settings = {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_COUNT": str(first + len(pairs))}
    for number, (key, value) in enumerate(pairs, start=first):
        settings |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return settings

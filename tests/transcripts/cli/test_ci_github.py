"""`freehold ci init github`: what it writes has the shape of a workflow, and its steps do what they say, in a shell."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from freehold import __version__
from freehold.base.secret import Secret
from freehold.deploy.ci.github import Secrets, Workflows
from freehold.project.credential import CredentialRef
from freehold.store.credentials import FileCredentialStore
from tests.support.command import Answer, freehold
from tests.support.folders import one_agent, write_files
from tests.support.program import PROGRAM

SHAPE = json.loads((Path(__file__).parents[2] / "data" / "github-workflow.subset.json").read_text())
ENVIRONMENT = """\
[server]
host = "203.0.113.7"
keyPath = "~/.ssh/it's mine"
provider = "hetzner"
cloudflareZoneId = "z"
"""
AGENT = 'schedule = "0 0 1 1 *"\nmodels = ["sonnet"]\ncredentials = ["github_token", "git_ssh:my-bot"]\n'
DEPLOY, TEARDOWN = (f".github/workflows/freehold-{what}-prod.yml" for what in ("deploy", "teardown"))
PLAIN = "FREEHOLD_ENVIRONMENT_FILE"
SSH, MODEL, GITHUB, BOT_NAME, BOT_MAIL, BOT_KEY, HETZNER, CLOUDFLARE = (
    f"FREEHOLD_CREDENTIAL_{name}"
    for name in (
        "VPS_SSH__PRIVATE_KEY", "ANTHROPIC_KEY__TOKEN", "GITHUB_TOKEN__TOKEN", "GIT_SSH__MY_BOT__USERNAME",
        "GIT_SSH__MY_BOT__EMAIL", "GIT_SSH__MY_BOT__ID_RSA", "HETZNER_API_KEY__API_KEY",
        "CLOUDFLARE_API_TOKEN__API_TOKEN",
    )
)  # fmt: skip
SECRETS = {
    PLAIN: '[server]\nhost = "203.0.113.7"\n', MODEL: "sk-ant-of-a-test", GITHUB: "ghp_$(id) \"'`x`",
    BOT_NAME: "Bot", BOT_MAIL: "bot@example.com", HETZNER: "h" * 64, CLOUDFLARE: "c" * 40,
}  # fmt: skip


@dataclass
class Repository:
    """A git repository with a project in a folder of it; and a runner that carries workflows out in bash."""

    folder: Path
    secrets: dict[str, str] = field(default_factory=lambda: dict(SECRETS))

    @property
    def project(self) -> Path:
        return self.folder / "repository" / "apps" / "my shop"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def init(self, *words: str) -> Answer:
        return freehold("ci", "init", "github", "-E", "prod", *words, home=self.home, project=self.project)

    def path(self, name: str) -> Path:
        return self.folder / "repository" / name

    def workflow(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = YAML(typ="safe").load(self.path(name).read_text())
        return found

    @property
    def runner(self) -> Path:
        return self.folder / "runner"

    def run(self, name: str, **inputs: str) -> subprocess.CompletedProcess[str]:
        """Every step that is a script, in order, until one fails; then those that are always done."""
        self._install_programs()
        [job] = self.workflow(name)["jobs"].values()
        said, code = "", 0
        for step in job["steps"]:
            if "run" in step and (code == 0 or step.get("if") == "always()"):
                done = self._step(job, step, inputs)
                said, code = said + done.stdout + done.stderr, code or done.returncode
        return subprocess.CompletedProcess(name, code, said)

    def _step(
        self, job: Mapping[str, Any], step: Mapping[str, Any], inputs: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        added = self.runner / "added"
        added.touch()
        values = {**job.get("env", {}), **step.get("env", {})}
        environment = {
            "PATH": f"{self.runner / 'bin'}:{PROGRAM.parent}:{os.environ['PATH']}",
            "HOME": str(self.runner),
            "RUNNER_TEMP": str(self.runner / "temp"),
            "GITHUB_ENV": str(added),
            **dict(line.split("=", 1) for line in added.read_text().splitlines()),
            **{name: self._filled(text, inputs) for name, text in values.items()},
        }
        assert "${{" not in step["run"], "an expression in a script is a hole"
        (self.runner / "script").write_text(step["run"])
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(self.runner / "script")],
            cwd=self.folder / "repository" / step.get("working-directory", "."), env=environment, text=True,
            capture_output=True,
        )  # fmt: skip

    def _filled(self, text: str, inputs: Mapping[str, str]) -> str:
        known = {"secrets": self.secrets, "inputs": inputs}
        return re.sub(r"\$\{\{ (\w+)\.(\w+) \}\}", lambda match: known[match[1]].get(match[2], ""), text)

    def _install_programs(self) -> None:
        """`python` installs nothing, and `freehold` is the real one but for what would reach a server: that is written
        down, with what it would have had."""
        (self.runner / "bin").mkdir(parents=True)
        (self.runner / "temp").mkdir()
        taken = self.runner / "taken"
        self._program("python", f'echo "$@" >> {taken}')
        self._program(
            "freehold",
            f'case "$1 $2" in push*|"env deprov") pwd >> {taken}; echo "$@" >> {taken}; '
            f'cp -a "$FREEHOLD_HOME" {taken}-home; env > {taken}-env;; *) exec {PROGRAM} "$@";; esac',
        )

    def _program(self, name: str, line: str) -> None:
        path = self.runner / "bin" / name
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)

    @property
    def taken(self) -> list[str]:
        path = self.runner / "taken"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    made.secrets[SSH] = (tmp_path / "key").read_text().rstrip("\n")  # as the GitHub command line cuts it
    write_files(made.project, one_agent(AGENT))
    write_files(made.home, {"environments/prod.toml": ENVIRONMENT})
    FileCredentialStore(made.home).put(CredentialRef("anthropic_key"), {"token": Secret(SECRETS[MODEL])})
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", tmp_path / "repository"], check=True)
    return made


def test_both_have_the_shape_of_workflows_and_the_least_rights(repository: Repository) -> None:
    answer = repository.init("--branch", "release/*")
    assert answer.code == 0, answer.err
    for name in (DEPLOY, TEARDOWN):
        jsonschema.validate(repository.workflow(name), SHAPE)
        assert repository.workflow(name)["permissions"] == {"contents": "read"}
        assert repository.workflow(name)["concurrency"] == {"group": "freehold-prod", "cancel-in-progress": False}
    assert repository.workflow(DEPLOY)["on"]["push"]["branches"] == ["release/*"]
    assert list(repository.workflow(TEARDOWN)["on"]) == ["workflow_dispatch"]


def test_the_secrets_are_listed_with_how_each_is_set(repository: Repository) -> None:
    told = repository.init().err
    stored = repository.home / "credentials/anthropic_key/default/token"
    assert f"gh secret set {MODEL} < {stored}\n" in told
    assert f"gh secret set {SSH} < '{Path('~').expanduser()}/.ssh/it'\"'\"'s mine'\n" in told
    assert f"grep -v keyPath {repository.home}/environments/prod.toml | gh secret set {PLAIN}\n" in told
    assert f"gh secret set {GITHUB}    # github_token.token; it is not stored here\n" in told
    assert HETZNER in told
    assert CLOUDFLARE in told
    assert BOT_KEY not in told, "an optional one is not required"
    assert SECRETS[MODEL] not in told


@pytest.mark.parametrize(
    ("host", "pinned", "warned"),
    [
        ("203.0.113.7", False, ["no host key is pinned"]),
        ("172.18.0.5", False, ["no host key is pinned", "prod is at 172.18.0.5, a private address: a hosted runner"]),
        ("203.0.113.7", True, []),
        ("localhost", True, ["prod is at localhost, which is this machine itself: a hosted runner cannot reach it"]),
    ],
)
def test_what_a_job_would_fail_by_is_told(repository: Repository, host: str, pinned: bool, warned: list[str]) -> None:
    file = repository.home / "environments/prod.toml"
    pin = f'hostKey = "SHA256:{"x" * 43}"\n' if pinned else ""
    file.write_text(ENVIRONMENT.replace('"203.0.113.7"\n', f'"{host}"\n{pin}'))
    words = ("--package", "freehold @ https://example.com/freehold.whl")
    told = json.loads(repository.init("--json", *words).out)["warnings"]
    assert [said[: len(start)] for said, start in zip(told, warned, strict=True)] == warned
    shown = repository.init(*words).err
    assert shown.count("warning: ") == len(warned)


def test_a_job_that_would_install_another_freehold_or_never_begin_is_told(repository: Repository) -> None:
    """This one was installed from a folder; `main` is there as soon as it has a commit, wherever git keeps it."""
    package = f"the jobs install freehold=={__version__}"
    repository.path(".git/HEAD").write_text("ref: refs/heads/trunk\n")

    def told(*words: str) -> list[str]:
        return [each for each in json.loads(repository.init("--json", *words).out)["warnings"] if "pinned" not in each]

    first, second = told()
    assert first.startswith(package)
    assert second.startswith("a push of main starts the job, and this repository has no such branch")
    assert second.endswith("--branch trunk")
    (without,) = told("--branch", "trunk", "--yes")
    assert without.startswith(package)
    repository.path(".git/packed-refs").write_text("# pack-refs with: peeled\n1234 refs/heads/main\n")
    assert len(told("--yes")) == 1


def test_two_credentials_that_would_share_a_secret_are_refused(repository: Repository) -> None:
    agents = repository.project / "agents" / "dev" / "config.toml"
    agents.write_text(AGENT.replace('"git_ssh:my-bot"', '"git_ssh:my-bot", "git_ssh:my.bot"'))
    refused = repository.init()
    assert refused.code == 3
    assert "git_ssh:my-bot and git_ssh:my.bot would share one variable" in refused.err
    assert not repository.path(DEPLOY).exists()


def test_a_push_is_carried_out_with_what_the_secrets_hold_and_nothing_stays(repository: Repository) -> None:
    repository.init("--package", "freehold @ git+https://example.com/a b")
    done = repository.run(DEPLOY)
    assert done.returncode == 0, done.stdout
    assert repository.taken == [
        "-m pip install --quiet freehold @ git+https://example.com/a b",
        str(repository.project),
        "push -E prod --yes --no-input",
    ]
    kept = repository.runner / "taken-home"
    token = kept / "credentials/github_token/default/token"
    assert token.read_text() == f"{SECRETS[GITHUB]}\n"
    assert (kept / "credentials/git_ssh/my-bot/email").read_text() == "bot@example.com\n"
    assert (kept / "credentials/vps_ssh/default/private_key").read_text() == (repository.folder / "key").read_text()
    assert (kept / "environments/prod.toml").read_text() == f"{SECRETS[PLAIN]}\n"
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept.rglob("*") if path.is_file()} == {0o600}
    assert not (repository.runner / "temp/freehold-home").exists()
    reached = (repository.runner / "taken-env").read_text()
    assert not [value for value in repository.secrets.values() if value.strip() in f"{done.stdout}{reached}"]


def test_every_secret_that_is_missing_is_named_at_once_and_nothing_else_is_done(repository: Repository) -> None:
    repository.init()
    for name in (SSH, GITHUB, BOT_MAIL):
        del repository.secrets[name]
    done = repository.run(DEPLOY)
    assert done.returncode == 1
    listed = sorted([SSH, GITHUB, BOT_MAIL])
    assert f"::error title=Secrets are missing::{' '.join(listed)}\n" in done.stdout
    assert [line for line in done.stdout.splitlines() if line.startswith("missing: ")] == [
        f"missing: {n}" for n in listed
    ]
    assert repository.taken == []


def test_what_the_project_needs_since_the_workflow_was_written_is_told(repository: Repository) -> None:
    repository.init()
    write_files(repository.project, one_agent(AGENT.replace("github_token", "github_token:other")))
    done = repository.run(DEPLOY)
    assert done.returncode == 4
    assert "FREEHOLD_CREDENTIAL_GITHUB_TOKEN__OTHER__TOKEN: is not set" in done.stdout
    assert "freehold ci init github" in done.stdout
    assert not [line for line in repository.taken if line.startswith("push")]


@pytest.mark.parametrize("typed", ["", "delete", "DELETE ", '"; touch hacked; "', "$(touch hacked)"])
def test_nothing_is_taken_down_that_was_not_meant(repository: Repository, typed: str) -> None:
    repository.init()
    done = repository.run(TEARDOWN, confirm=typed)
    assert (done.returncode, repository.taken) == (1, [])
    assert "type DELETE" in done.stdout
    assert not list(repository.folder.rglob("hacked"))


def test_what_was_meant_is_taken_down_with_the_keys_of_the_accounts(repository: Repository) -> None:
    repository.init()
    done = repository.run(TEARDOWN, confirm="DELETE")
    assert done.returncode == 0, done.stdout
    assert repository.taken[-1] == "env deprov prod --yes --no-input"
    kept = repository.runner / "taken-home/credentials"
    assert sorted(path.name for path in kept.iterdir()) == ["cloudflare_api_token", "hetzner_api_key", "vps_ssh"]


def test_what_looks_like_an_expression_is_none_of_githubs() -> None:
    odd = "a ${{ secrets.X }} b"
    texts = Workflows("prod", odd, "main", odd, Secrets(("A",)), Secrets(("A",))).texts.values()
    found = [match for text in texts for match in re.findall(r"\$\{\{.*?\}\}", text) if "secrets.X" in match]
    assert found == []
    assert all(text.count("a ${{ '${{' }} secrets.X }} b") >= 1 for text in texts)


def test_again_it_changes_nothing_and_an_unedited_one_is_brought_up_to_date(repository: Repository) -> None:
    repository.init()
    assert "up to date" in repository.init().out
    again = repository.init("--branch", "trunk")
    assert [line.partition(" ")[0] for line in again.out.splitlines()] == ["written:"]
    assert repository.workflow(DEPLOY)["on"]["push"]["branches"] == ["trunk"]


def test_an_edit_is_shown_and_asked_about_and_never_lost_without_an_answer(repository: Repository) -> None:
    repository.init()
    path = repository.path(DEPLOY)
    edited = path.read_text().replace("timeout-minutes: 60", "timeout-minutes: 5")
    path.write_text(edited)
    refused = repository.init("--no-input")
    assert (refused.code, path.read_text()) == (2, edited)
    assert "-    timeout-minutes: 5\n" in refused.err
    assert "+    timeout-minutes: 60\n" in refused.err
    assert repository.init("--yes").code == 0
    assert "timeout-minutes: 60" in path.read_text()


def test_the_repository_is_where_it_lies_whatever_it_says(repository: Repository) -> None:
    root = repository.folder / "repository"
    subprocess.run(["git", "-C", str(root), "config", "core.worktree", str(repository.folder)], check=True)
    assert repository.init().code == 0
    assert repository.path(DEPLOY).exists()
    assert not (repository.folder / ".github").exists()


def test_without_a_repository_or_an_environment_it_says_what_to_do(tmp_path: Path) -> None:
    project = write_files(tmp_path / "shop", one_agent(AGENT))
    home = tmp_path / "home"
    assert "env add" in freehold("ci", "init", "github", home=home, project=project).err
    write_files(home, {"environments/prod.toml": ENVIRONMENT})
    nowhere = freehold("ci", "init", "github", "-E", "prod", home=home, project=project)
    assert (nowhere.code, "git init" in nowhere.err) == (1, True)

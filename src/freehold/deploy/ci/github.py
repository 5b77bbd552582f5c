"""Workflows for GitHub Actions: one pushes to a server when the main branch changes, one takes the environment down.

Actions are named by the digest of a commit, since a tag can be moved. A secret is in the environment of the one step
that needs it, never in a command line; what a person types reaches the shell as a variable, too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from freehold.project.credential_variables import PREFIX

FOLDER = ".github/workflows"
ENVIRONMENT_SECRET = "FREEHOLD_ENVIRONMENT_FILE"  # noqa: S105  a secret's name
CONFIRMATION = "DELETE"
_MARK = "# Written by `freehold ci init github`; edits stay, and are shown when it writes anew. Content: "
_CHECKOUT = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2"
_PYTHON = "actions/setup-python@a26af69be951a213d495a4c3e4e4022e16d87065 # v5.6.0"
_RUNNER = "ubuntu-24.04"
_HOME = "$RUNNER_TEMP/freehold-home"
"""A job's variables cannot name the runner's folder; a step can."""


@dataclass(frozen=True)
class Secrets:
    """Names of a repository's secrets: those that must have a value, and those that may."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def all(self) -> list[str]:
        return sorted({*self.required, *self.optional})


@dataclass(frozen=True)
class Workflows:
    """`folder` is the project's below the repository, empty when it is the same; `package` is what pip installs."""

    environment: str
    folder: str
    branch: str
    package: str
    deploying: Secrets
    taking_down: Secrets

    @property
    def texts(self) -> dict[str, str]:
        """The files, by their paths below the repository; each says what it was written with."""
        return {
            f"{FOLDER}/freehold-deploy-{self.environment}.yml": _marked(self._deploy()),
            f"{FOLDER}/freehold-teardown-{self.environment}.yml": _marked(self._teardown()),
        }

    def _deploy(self) -> str:
        name = self.environment
        steps = [
            _check(name, self.deploying),
            *self._installed(),
            self._inside(_credentials(name, self.deploying, f"--from-env -E {name}")),
            self._inside(_step("Push", [f"freehold push -E {name} --yes --no-input"])),
            _CLEAN,
        ]
        triggers = ["  push:", f"    branches: [{json.dumps(self.branch)}]", "  workflow_dispatch:"]
        return self._workflow(f"Push to {name}", triggers, "push", steps)

    def _teardown(self) -> str:
        name = self.environment
        triggers = [
            "  workflow_dispatch:",
            "    inputs:",
            "      confirm:",
            f'        description: "Type {CONFIRMATION} to take {name} down, with all that is on it"',
            "        required: true",
            "        type: string",
        ]
        asked = [
            "- name: It is meant",
            "  env:",
            "    CONFIRM: ${{ inputs.confirm }}",
            "  run: |",
            f'    if [ "$CONFIRM" != {CONFIRMATION} ]; then',
            f'      echo "::error title=Nothing was done::type {CONFIRMATION}, in capital letters"',
            "      exit 1",
            "    fi",
        ]
        steps = [
            asked,
            _check(name, self.taking_down),
            *self._installed(),
            self._inside(_credentials(name, self.taking_down, "--from-env --part")),
            self._inside(_step("Take it down", [f"freehold env deprov {name} --yes --no-input"])),
            _CLEAN,
        ]
        return self._workflow(f"Take {name} down", triggers, "teardown", steps)

    def _inside(self, step: list[str]) -> list[str]:
        """In the project's folder."""
        return [step[0], f"  working-directory: {_literally(self.folder)}", *step[1:]] if self.folder else step

    def _installed(self) -> list[list[str]]:
        return [
            [f"- uses: {_CHECKOUT}", "  with:", "    persist-credentials: false"],
            [f"- uses: {_PYTHON}", "  with:", '    python-version: "3.12"'],
            _step("Install Freehold", ['python -m pip install --quiet "$FREEHOLD_PACKAGE"', _KEEP_HOME]),
        ]

    def _workflow(self, title: str, triggers: Sequence[str], job: str, steps: Sequence[Sequence[str]]) -> str:
        lines = [
            f"name: {title}",
            "on:",
            *triggers,
            "permissions:",
            "  contents: read",
            "concurrency:",
            f"  group: freehold-{self.environment}",
            "  cancel-in-progress: false",
            "jobs:",
            f"  {job}:",
            f"    runs-on: {_RUNNER}",
            "    timeout-minutes: 60",
            f"    environment: {self.environment}",
            "    env:",
            f"      FREEHOLD_PACKAGE: {_literally(self.package)}",
            "    defaults:",
            "      run:",
            "        shell: bash",
            "    steps:",
        ]
        return "\n".join([*lines, *(f"      {line}".rstrip() for step in steps for line in step)]) + "\n"


def _literally(text: str) -> str:
    """As YAML, in which GitHub finds no expression of anybody's to work out."""
    return json.dumps(text.replace("${{", "${{ '${{' }}"))


def is_unedited(text: str) -> bool:
    """Whether a file is as `texts` once made it, by this version or another."""
    mark, _, content = text.partition("\n")
    return mark == f"{_MARK}{_digest(content)}"


def _marked(content: str) -> str:
    return f"{_MARK}{_digest(content)}\n{content}"


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _step(name: str, lines: Sequence[str], env: Sequence[str] = ()) -> list[str]:
    given = ["  env:", *(f"    {secret}: ${{{{ secrets.{secret} }}}}" for secret in env)] if env else []
    return [f"- name: {name}", *given, "  run: |", *(f"    {line}" for line in lines)]


def _check(environment: str, secrets: Secrets) -> list[str]:
    """Every one that is missing, at once, and before anything else is done."""
    return _step(
        "Every secret is there",
        [
            "missing=()",
            f"for name in {' '.join(sorted(secrets.required))}; do",
            '  [ -n "${!name}" ] || missing+=("$name")',
            "done",
            "if [ ${#missing[@]} -gt 0 ]; then",
            '  echo "::error title=Secrets are missing::${missing[*]}"',
            '  printf "missing: %s\\n" "${missing[@]}"',
            '  echo "They belong in Settings, Secrets and variables, Actions."',
            f'  echo "What each of them holds: freehold ci init github -E {environment}"',
            "  exit 1",
            "fi",
        ],
        sorted(secrets.required),
    )


def _credentials(environment: str, secrets: Secrets, options: str) -> list[str]:
    lines = [
        "umask 077",
        'mkdir -p "$FREEHOLD_HOME/environments"',
        f'printf \'%s\\n\' "${ENVIRONMENT_SECRET}" > "$FREEHOLD_HOME/environments/{environment}.toml"',
        f"unset {ENVIRONMENT_SECRET}",
        f"freehold creds import {options}",
    ]
    names = [name for name in secrets.all if name.startswith(PREFIX) or name == ENVIRONMENT_SECRET]
    return _step("Credentials, for this job alone", lines, names)


_KEEP_HOME = f'echo "FREEHOLD_HOME={_HOME}" >> "$GITHUB_ENV"'
_CLEAN = ["- name: Forget them", "  if: always()", f'  run: rm -rf "{_HOME}"']

"""`freehold new NAME`: a project with one agent that works, with a key or without."""

from __future__ import annotations

import importlib.resources
import json
import shlex
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from urllib.parse import urlsplit

import click

from freehold.base.errors import Code, FreeholdError
from freehold.cli.context import Context
from freehold.cli.output import note, print_json, say
from freehold.project.credential import CredentialRef
from freehold.project.load import load_project
from freehold.project.providers import CUSTOM, PROVIDERS, REHEARSAL
from freehold.store.credentials import FileCredentialStore

AGENT = "hello"
_MODELS = {"anthropic": "claude-sonnet-4-5", "openai": "gpt-5.1", "google": "gemini-2.5-pro"}
"""What a provider's project begins with; known to genai-prices, so that budgets in dollars hold."""

_DOLLARS = """\
# A run that would cost more is stopped before it does; a day begins at midnight UTC.
usd_per_run = 1.00
usd_per_day = 10.00"""
_TOKENS = """\
# A run that would use more is stopped before it does. Dollars can be a limit too, once the model above says what a
# million tokens cost: `price = { input = 0.50, output = 1.50 }`.
tokens_per_run = 1_000_000"""


@dataclass(frozen=True)
class ModelChoice:
    provider: str
    model: str
    base_url: str = ""

    @property
    def key(self) -> CredentialRef:
        return CredentialRef(PROVIDERS[self.provider].credential)

    @property
    def foreign_host(self) -> str:
        """The host of a `base_url` that is not the provider's own: its key is sent there only once that is allowed."""
        host = urlsplit(self.base_url).hostname or ""
        return "" if host in PROVIDERS[self.provider].hosts else host


@click.command(name="new")
@click.argument("folder", metavar="NAME", type=click.Path(path_type=Path))
@click.option(
    "--provider",
    type=click.Choice([name for name in PROVIDERS if name != REHEARSAL]),
    help="Whose model to use [anthropic].",
)
@click.option("--model", default="", help="The provider's name of the model.")
@click.option("--base-url", default="", help="Where the model answers; `custom` needs it.")
@click.pass_obj
def command(context: Context, folder: Path, provider: str | None, model: str, base_url: str) -> None:
    """Make the folder NAME: a project with one agent that works.

    It runs without any key, by rehearsal; with a key of yours it runs for real.
    """
    target = folder.absolute()
    _require_free(target)
    choice = _choose(provider or "anthropic", model, base_url)
    _lay_out(target, choice)
    load_project(target, home=context.home)
    if not context.json:
        say(f"{folder}/ holds a project with the agent {AGENT}")
    has_key = FileCredentialStore(context.home).get(choice.key, "token") is not None
    if context.json:
        print_json({"project": target, "agent": AGENT, "missing": [] if has_key else [str(choice.key)]})
    elif not context.quiet:
        _tell_next(folder, choice, has_key=has_key)


def _require_free(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FreeholdError(Code.CONFLICT, f"{target} is there already, and not empty", "choose another name")


def _choose(provider: str, model: str, base_url: str) -> ModelChoice:
    if provider == CUSTOM and not base_url:
        raise FreeholdError(Code.USAGE, "a custom model needs an address", "add --base-url http://localhost:11434/v1")
    model = model or _MODELS.get(provider, "")
    if not model:
        raise FreeholdError(
            Code.USAGE, f"no model is named for {provider}", "add --model NAME, as the provider calls it"
        )
    return ModelChoice(provider, model, base_url)


def _lay_out(target: Path, choice: ModelChoice) -> None:
    template = importlib.resources.files("freehold.cli") / "new_project"
    try:
        target.mkdir(parents=True, exist_ok=True)
        _copy(template, target, choice)
    except OSError as error:
        raise FreeholdError(Code.FAILED, f"cannot make {target}: {error.strerror or error}") from None


def _copy(source: Traversable, target: Path, choice: ModelChoice) -> None:
    for entry in source.iterdir():
        if entry.is_dir():
            (target / entry.name).mkdir(exist_ok=True)
            _copy(entry, target / entry.name, choice)
        else:
            name = ".gitignore" if entry.name == "gitignore" else entry.name
            (target / name).write_text(_filled(entry.read_text(encoding="utf-8"), choice), encoding="utf-8")


def _filled(text: str, choice: ModelChoice) -> str:
    # A JSON string is a TOML string too.
    base_url = f"base_url = {json.dumps(choice.base_url)}\n" if choice.base_url else ""
    text = text.replace("@provider@", json.dumps(choice.provider)).replace("@base_url@", base_url)
    text = text.replace("@budget@", _TOKENS if choice.foreign_host else _DOLLARS)
    return text.replace("@model@", json.dumps(choice.model, ensure_ascii=False))


def _tell_next(folder: Path, choice: ModelChoice, *, has_key: bool) -> None:
    note("next:")
    note(f"  cd {shlex.quote(str(folder))}")
    note(f"  freehold run {AGENT} --rehearse        # no key needed: rehearsal.yaml plays the model")
    hosts = f" --field hosts={choice.foreign_host}" if choice.foreign_host else ""
    if hosts or not has_key:
        note(f"  freehold creds add {choice.key}{hosts}      # then for real:")
    note(f'  freehold run {AGENT} "What can you do here?"')

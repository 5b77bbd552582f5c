"""Are stored credentials accepted? Who is asked about each, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.cli.context import Context
from freehold.cli.creds_ask import ask
from freehold.cli.ssh_key import key_pair_problem
from freehold.models.policy import provider_model
from freehold.project.credential import CredentialRef, CredentialType
from freehold.project.credential_checks import CHECKS, KEY_PAIRS, why_no_check
from freehold.project.credential_question import Judgement, Outcome, Question
from freehold.project.credential_value import hosts_of
from freehold.project.credentials import CREDENTIAL_TYPES
from freehold.project.load import load_project
from freehold.project.models import ModelSpec
from freehold.project.providers import CUSTOM, PROVIDERS

Values = Mapping[str, Secret]
LABELS = {
    Outcome.ACCEPTED: "accepted",
    Outcome.LIMITED: "accepted, limited",
    Outcome.REFUSED: "refused",
    Outcome.BROKEN: "cannot be used",
    Outcome.UNASKED: "could not be asked",
    Outcome.NO_CHECK: "no check",
}
HERE = "this machine"
"""Where a key pair is checked."""


@dataclass(frozen=True)
class Checked:
    """What came of one question. `host` is who was asked; empty when nobody was. `hint` is what to do."""

    credential: str
    outcome: Outcome
    host: str = ""
    who: str = ""
    scopes: str = ""
    detail: str = ""
    hint: str = ""

    @property
    def words(self) -> str:
        """One line: as whom, what it may do, and what the provider says."""
        parts = (f"as {self.who}" if self.who else "", f"scopes: {self.scopes}" if self.scopes else "", self.detail)
        return "; ".join(part for part in parts if part)

    @property
    def sentence(self) -> str:
        place = f" at {self.host}" if self.host else ""
        words = f" ({self.words})" if self.words else ""
        return f"{self.credential}: {LABELS[self.outcome]}{place}{words}"


async def check_live(context: Context, credentials: Mapping[CredentialRef, Values]) -> list[Checked]:
    """Ask about all of them at once; one line for each address that a credential is used at."""
    models = _models(context)
    asked = (_check(ref, values, models) for ref, values in credentials.items())
    return [one for found in await asyncio.gather(*asked) for one in found]


def failure_of(found: Sequence[Checked]) -> FreeholdError | None:
    """CREDENTIAL when something is refused or cannot be used, UNREACHABLE when something could not be asked."""
    bad = [one for one in found if one.outcome in (Outcome.REFUSED, Outcome.BROKEN)]
    if bad:
        message = "\n".join(f"{one.credential} {_verdict(one)}" for one in bad)
        return FreeholdError(Code.CREDENTIAL, message, "\n".join(dict.fromkeys(one.hint for one in bad if one.hint)))
    silent = [one for one in found if one.outcome is Outcome.UNASKED]
    if silent:
        message = "\n".join(f"{one.credential} could not be checked{_at(one)}: {one.detail}" for one in silent)
        hints = "\n".join(
            dict.fromkeys(one.hint or "This says nothing of the credential: try again." for one in silent)
        )
        return FreeholdError(Code.UNREACHABLE, message, hints)
    return None


def _verdict(one: Checked) -> str:
    detail = f": {one.detail}" if one.detail else ""
    return f"is refused by {one.host}{detail}" if one.outcome is Outcome.REFUSED else f"cannot be used{detail}"


def _at(one: Checked) -> str:
    return f" at {one.host}" if one.host else ""


async def _check(ref: CredentialRef, values: Values, models: Sequence[ModelSpec]) -> list[Checked]:
    kind, name = CREDENTIAL_TYPES[ref.type], str(ref)
    if kind.name in KEY_PAIRS:
        return [await _check_key_pair(kind, name, values)]
    if kind.name not in CHECKS:
        return [Checked(name, Outcome.NO_CHECK, detail=why_no_check(kind))]
    question = CHECKS[kind.name].question_for(values)
    if problem := _problem(question, values):
        return [Checked(name, Outcome.BROKEN, detail=problem, hint=_replace(kind, name))]
    used_at = {model.base_url: model for model in models if model.key == ref}
    if used_at:
        asked = (_ask_at_model(question, kind, name, values, model) for model in used_at.values())
        return list(await asyncio.gather(*asked))
    if not question.base_url:
        return [Checked(name, Outcome.NO_CHECK, detail="no model of this project says where it is used (base_url)")]
    return [await _put(question, kind, name, values)]


def _problem(question: Question, values: Values) -> str:
    if missing := [field for field in question.fields if field not in values]:
        return f"{', '.join(missing)} is missing"
    if field := question.unsendable(values):
        return f"{field} holds characters that no such value has"
    return ""


async def _ask_at_model(
    question: Question, kind: CredentialType, name: str, values: Values, model: ModelSpec
) -> Checked:
    """A key is sent where the project's models send it, and only where whoever owns it allows that."""
    try:
        _require_allowed(model, values)
    except FreeholdError as error:
        hint = f"If that is what you want: freehold creds add {name} --field hosts={model.host}"
        return Checked(name, Outcome.UNASKED, host=model.host, detail=error.message, hint=hint)
    return await _put(question, kind, name, values, model.base_url)


def _require_allowed(model: ModelSpec, values: Values) -> None:
    """The gateway's own rule. Raises DENIED."""
    hosts = hosts_of(values["hosts"].reveal()) if "hosts" in values else frozenset[str]()
    provider = PROVIDERS[model.provider]
    provider_model(
        model.name, provider, model.model, values["token"], base_url=model.base_url, confirmed=model.host in hosts
    ).check()


async def _put(question: Question, kind: CredentialType, name: str, values: Values, base_url: str = "") -> Checked:
    judgement = await ask(question, values, base_url=base_url)
    host = urlsplit(base_url or question.base_url).hostname or ""
    return _shown(judgement, Checked(name, judgement.outcome, host, judgement.who, judgement.scopes), kind)


def _shown(judgement: Judgement, one: Checked, kind: CredentialType) -> Checked:
    match judgement.outcome:
        case Outcome.REFUSED:
            return replace(one, detail=judgement.said, hint=_replace(kind, one.credential))
        case Outcome.LIMITED:
            said = f": {judgement.said}" if judgement.said else ""
            return replace(one, detail=f"known there, but not allowed to say who it is{said}")
        case Outcome.ACCEPTED if kind.name == f"{CUSTOM}_key":
            return replace(one, detail="a server that asks for no key accepts every key")
        case Outcome.UNASKED:
            return replace(one, detail=judgement.said)
        case _:
            return one


async def _check_key_pair(kind: CredentialType, name: str, values: Values) -> Checked:
    private, public = KEY_PAIRS[kind.name]
    if private not in values:
        if private in kind.required_fields:
            return Checked(name, Outcome.BROKEN, detail=f"{private} is missing", hint=_replace(kind, name))
        return Checked(name, Outcome.NO_CHECK, detail="it holds no key")
    try:
        problem = await asyncio.to_thread(key_pair_problem, values[private], values.get(public))
    except FreeholdError as error:
        return Checked(name, Outcome.UNASKED, HERE, detail=error.message, hint=error.hint)
    if problem:
        return Checked(name, Outcome.BROKEN, HERE, detail=problem, hint=_replace(kind, name))
    return Checked(name, Outcome.ACCEPTED, HERE, detail="the key can be used; no server was asked")


def _replace(kind: CredentialType, name: str) -> str:
    get = f"Get a new one at {kind.help_url}, then: " if kind.help_url else "Store another: "
    return f"{get}freehold creds add {name}"


def _models(context: Context) -> list[ModelSpec]:
    """Those of the project that we stand in; none outside of one, and none of a project that cannot be read."""
    try:
        project = load_project(context.project_dir, home=context.home, environment=context.environment)
    except FreeholdError as error:
        if error.code is Code.CONFIG or (error.code is Code.NOT_FOUND and not context.environment):
            return []
        raise
    return list(project.config.models.values())

"""What `doctor` looks at for budgets in dollars: under one, a model whose price is not known is not asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from freehold.base.errors import Code
from freehold.base.words import one_of
from freehold.cli.finding import Finding, Level
from freehold.keeper.model_policy import has_known_price
from freehold.project.agent import Agent
from freehold.project.load import Project
from freehold.project.models import ModelSpec
from freehold.project.problems import dotted
from freehold.store.credentials import CredentialStore


def check_prices(project: Project, store: CredentialStore) -> Iterator[Finding]:
    """One finding a model: an error where an agent has no other, else a warning, since it is passed over."""
    now = datetime.now(UTC)
    asking = [each for each in project.agents.values() if each.scale > 0 and not each.script and each.budget.in_usd]
    specs = {model.name: model for agent in asking for model in agent.models}
    unknown = {name: spec for name, spec in sorted(specs.items()) if not has_known_price(spec, store, now)}
    for spec in unknown.values():
        users = [agent for agent in asking if spec in agent.models]
        stopped = any(all(model.name in unknown for model in agent.models) for agent in users)
        yield _finding(spec, users, Level.ERROR if stopped else Level.WARNING)


def _finding(spec: ModelSpec, users: list[Agent], level: Level) -> Finding:
    price = dotted(("models", spec.name, "price"))
    return Finding(
        level,
        "budget",
        f'the price of the model "{spec.name}" ({spec.model}) is not known, and under a budget in USD it is not asked; '
        f"agents: {one_of(agent.name for agent in users)}",
        f"Say it in config.toml, in USD per million tokens (0 where nothing is paid):\n[{price}]\n"
        "input = 3.0\noutput = 15.0\nOr set a budget in tokens_per_run or turns_per_run instead.",
        Code.CONFIG if level is Level.ERROR else Code.FAILED,
    )

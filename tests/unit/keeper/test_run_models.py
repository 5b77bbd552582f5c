"""What a run may ask, from the configuration and the credential store."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from freehold.base.secret import Secret
from freehold.keeper.model_policy import model_policy
from freehold.models.policy import PolicyModel
from freehold.models.prices import find_price
from freehold.models.tokens import Tokens
from freehold.project.credential import CredentialRef
from freehold.project.load import load_project
from freehold.store.credentials import MemoryCredentialStore
from freehold.wire.runs import RunOptions
from tests.support.folders import one_agent, write_files

NOW = datetime(2026, 11, 21, tzinfo=UTC)
KEY = CredentialRef("custom_key")


def only_model(root: Path, more: str) -> PolicyModel:
    text = f"[models.sonnet]\nprovider = 'custom'\nmodel = 'qwen'\nbase_url = 'http://localhost:1/v1'\n{more}"
    project = load_project(write_files(root, one_agent(project=text)), home=root / "home")
    store = MemoryCredentialStore()
    store.put(KEY, {"token": Secret("canary-key"), "hosts": Secret("localhost")})
    return model_policy(project.agent("dev"), store, RunOptions()).models[0]


def test_the_price_in_the_configuration_is_what_a_request_is_charged(tmp_path: Path) -> None:
    price = find_price(only_model(tmp_path, "price = { input = 2, output = 8, cache_read = 0.5 }"), NOW)
    assert price is not None
    assert price.cost(Tokens(1_000_000, 1_000_000, 1_000_000, 1_000_000), NOW, {}) == Decimal("12.5")


def test_without_it_nobody_knows(tmp_path: Path) -> None:
    assert find_price(only_model(tmp_path, ""), NOW) is None

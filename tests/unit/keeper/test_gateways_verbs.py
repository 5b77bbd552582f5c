"""What a gateway that is another user may ask the keeper: all that its code asks, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import freehold.gateway
from freehold.keeper.verbs import GATEWAYS

IT_IS_ASKED_OR_TOLD = re.compile(r"(lock|call)/[a-z]+|run/(event|end)")
"""By the keeper."""
PERSONS = {"keeper/status"}
"""Asked by a command that people type as the gateway's user."""


def test_it_may_ask_what_its_code_asks_and_nothing_else() -> None:
    code = "".join(path.read_text() for path in Path(freehold.gateway.__file__).parent.rglob("*.py"))
    named = set(re.findall(r'"((?:run|revision|scheduler|spend|image|shell|workspace|keeper)/[a-z]+)"', code))
    assert {name for name in named if not IT_IS_ASKED_OR_TOLD.fullmatch(name)} | PERSONS == GATEWAYS

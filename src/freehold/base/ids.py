"""Identifiers: ULIDs, lower case, sortable by time (`docs/interfaces.md`, "Files and names")."""

from __future__ import annotations

import os
import time
from typing import NewType

RunId = NewType("RunId", str)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
_PAIRS = [one + other for one in _ALPHABET for other in _ALPHABET]
_ULID_LENGTH = 26
_SHIFTS = range(_ULID_LENGTH * 5 - 10, -1, -10)


def new_ulid() -> str:
    """48 bits of milliseconds and 80 random bits, as 26 lower-case characters."""
    number = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10))
    return "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])


def is_ulid(text: str) -> bool:
    return len(text) == _ULID_LENGTH and all(character in _ALPHABET for character in text)


def ulid_milliseconds(ulid: str) -> int:
    """When it was made, since 1970 UTC."""
    number = 0
    for character in ulid[:10]:  # 50 bits, of which the first two are none of the time's
        number = number * 32 + _ALPHABET.index(character)
    return number


def ulid_after(ulid: str, fresh: str) -> str:
    """`fresh`, another one, with the first moment after that of `ulid`: it sorts after it, whatever the time is."""
    moment = ulid_milliseconds(ulid) + 1
    digits = [_ALPHABET[moment >> shift & 31] for shift in range(45, -1, -5)]
    return "".join(digits) + fresh[len(digits) :]


def new_run_id(agent: str) -> RunId:
    """`<agent>-<ulid>`."""
    return RunId(f"{agent}-{new_ulid()}")


def agent_of(run_id: str) -> str:
    """The agent's name in a run id; the empty string when `run_id` is not one."""
    agent, _, ulid = run_id.rpartition("-")
    return agent if is_ulid(ulid) else ""


def short(run_id: str) -> str:
    """The last eight characters: random, so that they tell runs apart where names must be short."""
    return run_id[-8:]

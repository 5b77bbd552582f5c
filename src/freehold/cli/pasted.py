"""Commands in what is said to a person, as they are to be typed where an environment was named: a hint that is pasted
asks the project that it was about, and not the one of this machine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

_ASKING = re.compile(
    r"\bfreehold (run|runs|logs|status|stats|kill|queue|pause|resume|locks|notices|keys|webhook)\b(?![^`\n]* -E )"
)
"""Those that ask the running project."""
_OF_SERVER = re.compile(r"`freehold env (status|logs|check|show)`")
_OPTIONS = ("-E", "--env")


def for_environment(text: str, environment: str) -> str:
    """`text` with the environment in its commands; as it is where `environment` is empty. Pure."""
    if not environment:
        return text
    text = _ASKING.sub(lambda found: f"{found[0]} -E {environment}", text)
    text = _OF_SERVER.sub(lambda found: f"{found[0][:-1]} {environment}`", text)
    text = text.replace("`freehold env https`", f"`freehold env https {environment} HOSTNAME`")
    return text.replace("freehold env https NAME", f"freehold env https {environment}")


def environment_typed(words: Sequence[str]) -> str:
    """The one that a command line names with `-E`; empty where it names none, or several."""
    named = {after for word, after in pairwise(words) if word in _OPTIONS}
    named |= {word.partition("=")[2] for word in words if word.startswith("--env=")}
    return named.pop() if len(named) == 1 else ""

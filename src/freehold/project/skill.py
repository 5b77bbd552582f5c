"""SKILL.md: YAML frontmatter between lines of three hyphens, then the instructions (Agent Skills format)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from freehold.base.safe_yaml import YamlProblemError, load_yaml
from freehold.project.problems import Problems

_LONGEST_NAME = 64
_LONGEST_DESCRIPTION = 1024
_LONGEST_COMPATIBILITY = 500
_MOST_NODES = 10_000
"""Values in the frontmatter; more come only from YAML's references that repeat each other (a "billion laughs")."""

_LONGEST_FRONTMATTER = 64 * 1024
"""Characters: reading YAML takes 5 s for a megabyte, and the keeper reads it with every run."""
_MOST_BITS = 64
"""Of a number, as JSON's readers take them; Python does not even print one of some thousand digits."""

_DELIMITER = re.compile(r"^---[ \t]*\r?$", re.MULTILINE)
_INJECTED = re.compile(r"!`([^`\n]+)`")


@dataclass(frozen=True)
class Skill:
    """A SKILL.md. The body keeps its ``!`cmd` `` marks: the runner replaces them when a run starts."""

    frontmatter: Mapping[str, Any] = field(default_factory=dict)
    body: str = ""

    @property
    def injected_commands(self) -> tuple[str, ...]:
        """The commands whose output the runner puts in place of ``!`cmd` ``."""
        return tuple(_INJECTED.findall(self.body))


def parse_skill(text: str, name: str, problems: Problems) -> Skill:
    """The skill in `text`; broken YAML is an error with line and column; without frontmatter all is body."""
    opening = _DELIMITER.match(text)
    if opening is None:
        problems.warning(name, "", "has no frontmatter; begin with a line `---`, `description: ...` and a line `---`")
        return Skill(body=text)
    closing = _DELIMITER.search(text, opening.end() + 1)
    if closing is None:
        problems.warning(name, "", "the frontmatter has no closing line `---`, so all of it is taken for instructions")
        return Skill(body=text)
    data = _parse_yaml(text[opening.end() + 1 : closing.start()], name, problems)
    body = text[closing.end() :].lstrip("\r\n")
    if data is None:
        return Skill(body=body)
    if not isinstance(data, Mapping):
        problems.warning(name, "", "the frontmatter is not a table of keys and values, so it is taken for instructions")
        return Skill(body=text)
    return Skill(data, body)


def check_description(values: Mapping[str, Any], folder: str, name: str, problems: Problems) -> None:
    """The rules of the format for checked frontmatter, relaxed: the folder's name wins (`docs/interfaces.md`)."""
    if values["name"] is not None and values["name"].strip() != folder:
        problems.warning(name, "name", f'is not "{folder}"; the folder\'s name is the one that counts')
    description = values["description"]
    if description is None:
        problems.warning(name, "description", "is missing: say what the agent does and when it is of use")
    elif not description.strip():
        problems.error(name, "description", "is empty: say what the agent does and when it is of use")
    elif len(description) > _LONGEST_DESCRIPTION:
        problems.error(
            name, "description", f"has {len(description)} characters; at most {_LONGEST_DESCRIPTION} are allowed"
        )
    compatibility = values["compatibility"]
    if compatibility is not None and not 1 <= len(compatibility) <= _LONGEST_COMPATIBILITY:
        problems.error(
            name, "compatibility", f"has {len(compatibility)} characters; 1 to {_LONGEST_COMPATIBILITY} are allowed"
        )


def _parse_yaml(text: str, name: str, problems: Problems) -> Any:
    if len(text) > _LONGEST_FRONTMATTER:
        problems.error(name, "", f"the frontmatter has more than {_LONGEST_FRONTMATTER // 1024} kB")
        return None
    try:
        return _plain(load_yaml(text), [_MOST_NODES])
    except YamlProblemError as error:
        # One line for the opening `---`.
        position = f"line {error.line + 1}, column {error.column}: " if error.line else "the frontmatter is not YAML: "
        problems.error(name, "", f"{position}{error}")
    except (ValueError, RecursionError) as error:  # references that go round in a circle
        problems.error(name, "", f"the frontmatter is not YAML: {error}")
    return None


def _plain(value: Any, left: list[int]) -> Any:
    """`value` as dicts, lists and scalars of its own, refusing what never ends."""
    left[0] -= 1
    if left[0] < 0:
        raise ValueError(f"more than {_MOST_NODES} values")
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise ValueError("a number is too large")
    if isinstance(value, Mapping):
        return {str(key): _plain(item, left) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item, left) for item in value]
    return value

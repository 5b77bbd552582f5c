"""What an environment's file remembers of how its server was bought: enough to go on, and to take all of it down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from freehold.project.problems import Reporter, shown

TABLE = "provision"
_INSTALLATION = re.compile(r"[a-z0-9]{4,8}")


@dataclass(frozen=True)
class Provision:
    """`[provision]`: the keys as `keys.PROVISION_KEYS` describes them. What is not known yet is empty."""

    installation: str
    done: tuple[str, ...] = ()
    plan: str = ""
    region: str = ""
    image: str = ""
    distribution: str = ""
    key: str = ""
    key_id: str = ""
    firewall_id: str = ""
    price: str = ""
    project: str = ""
    certificate: str = ""
    certificate_id: str = ""
    certificate_file: str = ""
    certificate_key_file: str = ""
    ssl_mode: str = ""


def provision_of(values: Mapping[str, Any], report: Reporter) -> Provision:
    """`values` as `shape.fit` makes them of `keys.PROVISION_KEYS`."""
    installation = values["installation"] or ""
    if not _INSTALLATION.fullmatch(installation):
        report.error((TABLE, "installation"), f"{shown(installation)} is not 4 to 8 of a-z and 0-9")
    words = {_snake(name): value or "" for name, value in values.items() if name not in ("installation", "done")}
    return Provision(installation, tuple(values["done"] or ()), **words)


def key_of(field: str) -> str:
    """`certificateFile` of `certificate_file`: what a field is called in the file."""
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name)

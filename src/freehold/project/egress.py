"""Which hosts a run may reach: what is open to every agent on the allow-list, and what one asks for by `egress`."""

from __future__ import annotations

from freehold.base.hosts import HostPattern
from freehold.project.problems import KeyPath, Reporter

PACKAGE_REGISTRIES = ("pypi.org", "files.pythonhosted.org", "registry.npmjs.org")
"""The registries of the clients in the base image, pip and npm (`docs/egress.md`);
an agent whose own Dockerfile brings another client lists its registry in `egress`."""


def egress_of(patterns: list[str], report: Reporter, at: KeyPath = ("egress",)) -> tuple[str, ...]:
    """The host patterns that are right, each in its one spelling; the others are reported."""
    good = []
    for index, pattern in enumerate(patterns):
        try:
            good.append(str(HostPattern.parse(pattern)))
        except ValueError as error:
            report.error((*at, index), str(error))
    return tuple(dict.fromkeys(good))

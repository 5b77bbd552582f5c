"""Whose a thing is: the mark on everything that is made at a provider, so that it is found again and taken down."""

from __future__ import annotations

import re
from dataclasses import dataclass

from freehold.base.errors import Code, FreeholdError

_ENVIRONMENT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")
_INSTALLATION = re.compile(r"[a-z0-9]{4,8}")

INSTALLATION_LABEL = "freehold"
ENVIRONMENT_LABEL = "freehold-environment"


@dataclass(frozen=True)
class Owner:
    """An environment of one installation of Freehold. Raises USAGE for names that no provider would take.

    `installation` has 4 to 8 of `a-z0-9`; `environment` at most 50 of `a-z0-9-`. Together they make a host name of at
    most 62 characters (RFC 1123 allows 63), which is free of everything that a label, a tag or a shell could misread.
    """

    installation: str
    environment: str

    def __post_init__(self) -> None:
        if not _INSTALLATION.fullmatch(self.installation):
            raise FreeholdError(Code.USAGE, f'installation: "{self.installation}" is not 4 to 8 of a-z and 0-9')
        if not _ENVIRONMENT.fullmatch(self.environment):
            raise FreeholdError(
                Code.USAGE,
                f'environment: "{self.environment}" cannot be the name of an environment',
                "Up to 50 lower-case letters, digits and hyphens, with a letter or digit at either end.",
            )

    @property
    def name(self) -> str:
        """What a thing is called where a provider has names: the server's host name, too."""
        return f"fh-{self.environment}-{self.installation}"

    @property
    def labels(self) -> dict[str, str]:
        """For providers with keys and values."""
        return {INSTALLATION_LABEL: self.installation, ENVIRONMENT_LABEL: self.environment}

    @property
    def mark(self) -> str:
        """One word for providers that have tags or comments only."""
        return f"freehold:{self.name}"

    def signed(self, text: str) -> bool:
        """Whether a tag, or the first word of a comment, is this owner's mark."""
        return text.split(" ", 1)[0] == self.mark

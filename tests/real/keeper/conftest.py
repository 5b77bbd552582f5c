"""Installations for runs that are real from the command line to the container."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import Installation


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    """A project of the test's own; its keeper and what it left in Docker are gone afterwards."""
    installation = Installation(tmp_path)
    yield installation
    installation.close()

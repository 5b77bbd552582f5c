from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import REHEARSED, Installation
from tests.support.running_service import HUB, RunningService


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path, name="fhg")
    (installation.project / "config.toml").write_text(f"{REHEARSED}{HUB}")
    yield installation
    installation.close()


@pytest.fixture
def service(here: Installation) -> Iterator[RunningService]:
    """Not started yet."""
    made = RunningService(here)
    yield made
    made.end()

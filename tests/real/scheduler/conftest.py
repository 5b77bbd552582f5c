from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import Installation


@pytest.fixture
def here(tmp_path: Path, base_image: str) -> Iterator[Installation]:
    installation = Installation(tmp_path, name="fhs")
    yield installation
    installation.close()

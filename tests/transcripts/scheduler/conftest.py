from __future__ import annotations

from pathlib import Path

import pytest

from freehold.base.clock import ManualClock
from tests.support.scheduling import SchedulerWorld


@pytest.fixture
def world(tmp_path: Path) -> SchedulerWorld:
    return SchedulerWorld(tmp_path, ManualClock())

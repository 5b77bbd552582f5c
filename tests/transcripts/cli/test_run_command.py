"""`freehold run`: what is told before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import freehold
from tests.support.folders import one_agent, write_files


@pytest.mark.parametrize(("record", "why"), [("nowhere/x.yaml", "there is no folder"), ("agents", "is a folder")])
def test_a_record_that_cannot_be_written_is_told_before_the_run(tmp_path: Path, record: str, why: str) -> None:
    shop = write_files(tmp_path / "shop", one_agent())
    answer = freehold("run", "dev", "--record", str(shop / record), home=tmp_path / "home", project=shop)
    assert answer.code == 2
    assert answer.err.startswith(f"error: --record: {shop / record} ")
    assert why in answer.err
    assert not (shop / ".freehold").exists()

"""The installation's id: made once, kept, and the same for all who ask."""

from __future__ import annotations

import multiprocessing
import re
import stat
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.providers.ownership import Owner
from freehold.store.installation import installation_id


def test_made_once_and_kept(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = installation_id(home)
    assert re.fullmatch("[a-z0-9]{8}", first)
    assert installation_id(home) == first
    assert [path.name for path in home.iterdir()] == ["installation"]
    assert stat.S_IMODE((home / "installation").stat().st_mode) == 0o600
    assert Owner(first, "prod").name == f"fh-prod-{first}"
    assert installation_id(tmp_path / "other") != first


def test_all_who_ask_at_once_agree(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(6) as pool:
        assert len(set(pool.map(installation_id, [tmp_path / "home"] * 24))) == 1


@pytest.mark.parametrize("text", ["", "UPPER", "abc", "far-too-long", "\x00"])
def test_what_is_none_is_not_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "installation").write_text(text)
    with pytest.raises(FreeholdError, match="holds no installation id") as raised:
        installation_id(tmp_path)
    assert raised.value.code is Code.CONFIG
    assert (tmp_path / "installation").read_text() == text


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FreeholdError, match="cannot be written"):
        installation_id(tmp_path / "file/home")

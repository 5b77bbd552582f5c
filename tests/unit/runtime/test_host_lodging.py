from __future__ import annotations

import os
import struct
from pathlib import Path

import msgspec
import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.runtime.host.account import Account, Way
from freehold.runtime.host.lodging import Lodging, access_list, make_gate, slots_in

FIRST = Account("a", 990, 990, Path("/h/a"))

LODGING = Lodging(
    project="shop", agent="dev", slot_number=0, way=Way.ROOT, account="a", uid=990, gid=990, known=True,
    gate="/g/run", credentials_gate="/m/run", home="/h/a", slot="shop-dev-0", scratch="run-12345678", bin="/p/bin",
    interpreter="/usr/bin/python3",
)  # fmt: skip


def test_the_paths_that_the_brief_is_told() -> None:
    place = LODGING.place()
    assert (place.exposed, place.credentials, place.uid) == (Path("/g/run"), Path("/m/run"), 990)
    assert msgspec.to_builtins(place.inside) == {
        "run_dir": "/g/run/mount",
        "agent_dir": "/g/run/agent",
        "shared_dir": "/g/run/shared",
        "credentials_dir": "/m/run/credentials",
        "workspace_dir": "/h/a/slots/shop-dev-0/workspace",
        "working_dir": "/h/a/run-12345678",
        "home_dir": "/h/a/slots/shop-dev-0/home",
        "bin_dir": "/p/bin",
    }


@pytest.mark.parametrize(
    ("way", "home", "private"),
    [(Way.ROOT, "/var/lib/a", True), (Way.SUDO, "/var/lib/a", True), (Way.CALLER, "/home/ada/p", False),
     (Way.ROOT, "/tmp/a", False)],
)  # fmt: skip
def test_whose_tmp_is_private(way: Way, home: str, private: bool) -> None:
    assert msgspec.structs.replace(LODGING, way=way, home=home).private_tmp is private


def test_what_was_decided_is_read_back(tmp_path: Path) -> None:
    assert Lodging.load(tmp_path) is None
    LODGING.save(tmp_path)
    assert Lodging.load(tmp_path) == LODGING


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "place.json").write_text("{")
    with pytest.raises(FreeholdError) as caught:
        Lodging.load(tmp_path)
    assert caught.value.code is Code.INTERNAL
    assert str(tmp_path / "place.json") in caught.value.message


def test_an_access_list_lets_one_user_pass() -> None:
    raw = access_list(990)
    assert struct.unpack_from("<I", raw) == (2,)
    entries = [struct.unpack_from("<HHI", raw, 4 + 8 * number) for number in range((len(raw) - 4) // 8)]
    nobody = 0xFFFFFFFF
    assert entries == [(1, 7, nobody), (2, 1, 990), (4, 0, nobody), (16, 1, nobody), (32, 0, nobody)]


@pytest.mark.parametrize("way", [Way.SUDO, Way.ROOT])
def test_the_kernel_takes_the_access_list(tmp_path: Path, way: Way) -> None:
    """Root's too: a group can have other members."""
    make_gate(tmp_path / "gate", way, FIRST)
    assert os.getxattr(tmp_path / "gate", "system.posix_acl_access") == access_list(990)


def test_the_callers_gate_is_private(tmp_path: Path) -> None:
    make_gate(tmp_path / "gate", Way.CALLER, FIRST)
    assert (tmp_path / "gate").stat().st_mode & 0o7777 == 0o700


def test_what_lies_in_a_home_is_seen(tmp_path: Path) -> None:
    account = Account("a", 990, 990, tmp_path)
    assert slots_in(account) == []
    (tmp_path / "slots" / "shop-dev-0").mkdir(parents=True)
    assert slots_in(account) == ["shop-dev-0"]
    for number in range(9):
        (tmp_path / "slots" / f"planted-{number}").mkdir()
    assert len(slots_in(account)) == 3, "however many its agent made"


def test_a_home_that_hides_what_it_holds_is_not_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "slots").write_text("no directory")
    assert slots_in(Account("a", 990, 990, tmp_path)) == ["nobody knows whom: Not a directory"]

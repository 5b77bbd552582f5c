from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.runtime.host.account import Account
from freehold.runtime.host.tenancy import SOMEBODY_ELSES, Register, Tenancy, choose_account, who_keeps

FIRST, SECOND = Account("a", 990, 990, Path("/h/a")), Account("a-2", 991, 991, Path("/h/a-2"))
OURS, ANOTHERS = Tenancy("shop-dev-0", 990, "k1"), Tenancy("shop-ops-0", 990, "k2")
MADE_ANEW = Tenancy("shop-dev-0", 500, "k1")


@pytest.mark.parametrize(
    ("record", "claim", "home", "expected"),
    [
        (None, None, [], ""),
        (OURS, OURS, ["shop-dev-0"], ""),
        (OURS, None, [], ""),  # the claim was cleared away
        (OURS, OURS, ["shop-dev-0", "shop-ops-0"], ""),  # its agent put another's name into its own home
        (ANOTHERS, ANOTHERS, ["shop-dev-0"], "shop-ops-0"),  # and this is the home of one that put ours there
        (ANOTHERS, ANOTHERS, [], "shop-ops-0"),  # it took its own name away
        (None, None, ["shop-dev-0"], "shop-dev-0"),  # our name, but not our word for it
        (None, None, ["x", "y"], "x, y"),
        (None, Tenancy("mart-dev-0", 990, "k3"), [], SOMEBODY_ELSES),
        (OURS, Tenancy("shop-dev-0", 990, "k3"), ["shop-dev-0"], SOMEBODY_ELSES),  # they came when our claim was gone
        (MADE_ANEW, MADE_ANEW, [], ""),  # the user was removed and made again: nobody's
        (MADE_ANEW, None, ["shop-dev-0"], "shop-dev-0"),
    ],
)
def test_who_keeps_a_user(record: Tenancy | None, claim: Tenancy | None, home: list[str], expected: str) -> None:
    assert who_keeps(FIRST, "shop-dev-0", record, claim, home) == expected


@pytest.mark.parametrize(
    ("records", "kept", "expected"),
    [
        ({}, {"a": "", "a-2": ""}, FIRST),
        ({"a": OURS}, {"a": "", "a-2": ""}, FIRST),
        ({"a-2": Tenancy("shop-dev-0", 991, "k")}, {"a": "", "a-2": ""}, SECOND),
        ({"a-2": Tenancy("shop-dev-0", 4, "k")}, {"a": "", "a-2": ""}, FIRST),
        ({"a": OURS}, {"a": SOMEBODY_ELSES, "a-2": ""}, SECOND),
        ({"a": ANOTHERS}, {"a": "shop-ops-0", "a-2": ""}, SECOND),
        ({}, {"a": "x", "a-2": "y"}, None),
    ],
)
def test_a_slot_keeps_its_user(records: dict[str, Tenancy], kept: dict[str, str], expected: Account | None) -> None:
    assert choose_account([FIRST, SECOND], records, kept, "shop-dev-0") == expected


def test_without_users_there_is_none() -> None:
    assert choose_account([], {}, {}, "shop-dev-0") is None


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    made = tmp_path / "claims"
    made.mkdir(mode=0o700)
    return made


def test_what_was_taken_is_known_and_can_be_given_up(tmp_path: Path, claims: Path) -> None:
    register = Register(tmp_path / "accounts", claims)
    assert register.records() == {}
    assert register.take(FIRST, "shop-dev-0")
    record = register.records()["a"]
    assert (record.slot, record.uid) == ("shop-dev-0", 990)
    assert register.claim(FIRST) == record
    assert register.take(FIRST, "shop-dev-0"), "it may be repeated"
    assert register.records()["a"] == record
    assert (tmp_path / "accounts").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*/a")} == {0o600}
    register.give_up(FIRST)
    assert register.records() == {}
    assert register.claim(FIRST) is None
    assert os.listdir(claims) == []  # noqa: PTH208


def test_two_projects_never_take_the_same_user(tmp_path: Path, claims: Path) -> None:
    ours, theirs = Register(tmp_path / "ours", claims), Register(tmp_path / "theirs", claims)
    assert ours.take(FIRST, "shop-dev-0")
    assert not theirs.take(FIRST, "shop-dev-0"), "the same name, but another project's"
    assert theirs.records() == {}
    assert ours.claim(FIRST) == ours.records()["a"]
    theirs.give_up(FIRST)
    assert ours.claim(FIRST) == ours.records()["a"], "what is not theirs they cannot give up"


def test_a_claim_that_was_cleared_away_is_made_again_by_who_comes_first(tmp_path: Path, claims: Path) -> None:
    ours, theirs = Register(tmp_path / "ours", claims), Register(tmp_path / "theirs", claims)
    assert ours.take(FIRST, "shop-dev-0")
    (claims / "a").unlink()
    assert ours.take(FIRST, "shop-dev-0")
    assert not theirs.take(FIRST, "mart-dev-0")
    (claims / "a").unlink()
    assert theirs.take(FIRST, "mart-dev-0")
    assert not ours.take(FIRST, "shop-dev-0")
    assert ours.records() == {}


def test_a_crash_between_record_and_claim_changes_nothing(tmp_path: Path, claims: Path) -> None:
    register = Register(tmp_path / "accounts", claims)
    (tmp_path / "accounts").mkdir()
    (tmp_path / "accounts" / "a").write_bytes(msgspec.json.encode(OURS))
    assert register.take(FIRST, "shop-dev-0")
    assert register.claim(FIRST) == OURS


def test_a_user_that_was_made_anew_is_nobodys(tmp_path: Path, claims: Path) -> None:
    old = Account("a", 500, 500, FIRST.home)
    ours, theirs = Register(tmp_path / "ours", claims), Register(tmp_path / "theirs", claims)
    assert theirs.take(old, "mart-dev-0")
    assert ours.take(FIRST, "shop-dev-0")
    assert ours.claim(FIRST) == ours.records()["a"]


def test_a_claim_that_cannot_be_read_keeps_off(tmp_path: Path, claims: Path) -> None:
    (claims / "a").write_text("{")
    register = Register(tmp_path / "accounts", claims)
    assert who_keeps(FIRST, "shop-dev-0", None, register.claim(FIRST), []) == SOMEBODY_ELSES
    assert not register.take(FIRST, "shop-dev-0")


def test_a_record_that_cannot_be_read_is_named(tmp_path: Path, claims: Path) -> None:
    register = Register(tmp_path / "accounts", claims)
    (tmp_path / "accounts").mkdir()
    (tmp_path / "accounts" / "a").write_text("{")
    with pytest.raises(FreeholdError) as caught:
        register.records()
    assert caught.value.code is Code.INTERNAL
    assert str(tmp_path / "accounts" / "a") in caught.value.message

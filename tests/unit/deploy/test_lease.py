"""Who may change a project on a server: taken, renewed, given back, taken over."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.lease import Held, has_died, in_the_way, this_process
from freehold.hosts.fake_host import FakeHost
from freehold.server.layout import Layout
from tests.support.remote_program import remote_program


class Server:
    """`now_s` and `boot` are what its clock and its kernel say."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.room = remote_program("lease")
        self.now_s, self.boot = 1000.0, "first"
        self.room["_now_s"] = lambda: self.now_s
        self.room["_boot"] = lambda: self.boot

    def do(self, what: str, token: str, instead_of: str = "") -> Any:
        return self.room["main"]({
            "do": what, "root": str(self.root), "path": str(self.root / "push.lease"), "token": token,
            "owner": f"{token}@laptop", "process": "p", "for_s": 90, "instead_of": instead_of,
        })  # fmt: skip

    def taken(self, token: str, instead_of: str = "") -> bool:
        return self.do("take", token, instead_of)["held"] is None


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path / "opt" / "shop")


def test_the_second_one_is_told_who_and_for_how_long(server: Server) -> None:
    assert server.taken("jane")
    server.now_s += 30
    held = server.do("take", "joe")["held"]
    assert (held["owner"], held["left_s"]) == ("jane@laptop", 60.0)
    assert server.taken("jane")  # asked twice by the same: the answer was lost


def test_it_lasts_while_it_is_renewed_and_no_longer(server: Server) -> None:
    server.taken("jane")
    for _ in range(5):
        server.now_s += 80
        assert server.do("renew", "jane")["ours"]
    assert not server.taken("joe")
    server.now_s += 91
    assert server.taken("joe")
    assert not server.do("renew", "jane")["ours"]
    assert not server.do("give_back", "jane")["ours"]
    assert not server.taken("jane")


@pytest.mark.root
@pytest.mark.parametrize("way", ["somebody's", "open to all", "a link of somebody's"])
def test_root_writes_to_nothing_that_others_can_put_elsewhere(way: str, server: Server, tmp_path: Path) -> None:
    elsewhere, place = tmp_path / "elsewhere", tmp_path / "opt"
    elsewhere.mkdir()
    if way == "a link of somebody's":
        place.symlink_to(elsewhere)
        os.lchown(place, 61_001, 61_001)
    else:
        place.mkdir()
        place.chmod(0o777 if way == "open to all" else 0o755)
        os.chown(place, 61_001 if way == "somebody's" else 0, 0)
    with pytest.raises(FreeholdError, match="others than root"):
        server.taken("jane")
    assert not list(elsewhere.iterdir())


def test_given_back_it_is_free(server: Server) -> None:
    server.taken("jane")
    assert server.do("give_back", "jane")["ours"]
    assert server.taken("joe")


def test_whoever_is_known_to_be_dead_gives_way(server: Server) -> None:
    server.taken("jane")
    assert not server.taken("joe", instead_of="somebody")
    assert server.taken("joe", instead_of="jane")


def test_no_lease_survives_a_reboot(server: Server) -> None:
    server.taken("jane")
    server.now_s, server.boot = 5.0, "second"
    assert server.taken("joe")


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"token": "x"}'])
def test_a_damaged_lease_holds_nobody_off(server: Server, damage: str) -> None:
    server.taken("jane")
    (server.root / "push.lease").write_text(damage)
    assert server.taken("joe")
    assert json.loads((server.root / "push.lease").read_text())["token"] == "joe"


def test_a_process_of_this_machine_is_known_to_have_died() -> None:
    assert not has_died(this_process())
    process = subprocess.Popen(["sleep", "60"])
    machine, _, started = this_process().rsplit(" ", 2)
    name = f"{machine} {process.pid} {Path(f'/proc/{process.pid}/stat').read_text().split()[21]}"
    assert not has_died(name)
    process.kill()
    process.wait()
    assert has_died(name)
    assert has_died(f"{machine} {os.getpid()} {int(started) - 1}")  # another one had the number before
    assert not has_died(f"elsewhere {process.pid} 1")
    assert not has_died("nonsense")


def test_it_is_told_who_works_and_until_when() -> None:
    held = Held("t", "jane@laptop", "p", 42.0)
    error = in_the_way(FakeHost("prod"), Layout("shop"), held, datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC))
    assert error.code is Code.CONFLICT
    assert error.message == "shop on prod is being changed by jane@laptop, who has it until 12:00:42"

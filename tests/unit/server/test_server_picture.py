"""What a server looks like: names, sshd, fail2ban, the firewall, releases."""

from __future__ import annotations

import pytest

from freehold.base.ids import is_ulid, new_ulid
from freehold.server import fail2ban, firewall, sshd
from freehold.server.layout import Layout, server_name
from freehold.server.release import next_id, releases_in, rolled_back_then, to_go_back_to, to_remove

LONG = "a-project-with-a-name-of-forty-letters-x"


@pytest.mark.parametrize(
    ("name", "called"),
    [("shop", "shop"), ("My Shop!", "my-shop"), ("programs", "programs-project"), ("Undo", "undo-project")],
)
def test_a_projects_name_on_servers(name: str, called: str) -> None:
    assert server_name(name) == called


def test_users_names_are_short_enough_and_differ() -> None:
    layouts = [Layout("shop"), Layout(LONG), Layout(LONG[:-1] + "y")]
    users = [user for layout in layouts for user in (layout.user, layout.keeper_user)]
    assert len(set(users)) == len(users)
    assert max(map(len, users)) <= 32
    assert users[:2] == ["fh-shop", "fh-shop-keeper"]


def test_two_projects_on_one_server_share_nothing_but_programs() -> None:
    def places(layout: Layout) -> set[str]:
        return {
            layout.root, layout.state, layout.service, layout.socket, layout.keeper, layout.edge_fragment, layout.lease,
            layout.current, layout.program, layout.gateway_home, layout.keeper_home,
        }  # fmt: skip

    one, other = Layout("shop"), Layout("blog")
    assert not places(one) & places(other)
    assert one.program_folder("abc") == other.program_folder("abc") == "/opt/freehold/programs/abc"


def test_sshd_is_asked_what_counts_after_all() -> None:
    dumped = "port 22\nport 2222\npasswordauthentication yes\npermitrootlogin yes\npermitemptypasswords no\n"
    settings = sshd.effective(dumped)
    assert sshd.ports(dumped) == [22, 2222]
    assert sshd.weaknesses(settings) == ["passwordauthentication is yes", "root may log in with a password"]
    hardened = "\n".join(line.lower() for line in sshd.drop_in().splitlines())
    assert sshd.weaknesses(sshd.effective(hardened)) == []
    assert sshd.effective(hardened)["allowstreamlocalforwarding"] == "yes"


def test_the_jail_watches_the_ports_of_ssh_in_the_journal() -> None:
    text = fail2ban.jail([22, 2222])
    assert "port = 22,2222\n" in text
    assert "backend = systemd\n" in text


def test_the_firewall_lets_in_what_is_wanted() -> None:
    text = firewall.rules([443, 2222, 80, 443])
    assert "tcp dport { 80, 443, 2222 } accept" in text
    assert "flush ruleset" not in text


R = [f"01m7yhfz6624ph5b0fyek68a{number:02d}" for number in range(8)]


def test_what_is_no_release_is_passed_over() -> None:
    assert releases_in([R[1], ".part-x", R[3], "current", R[2]]) == [R[3], R[2], R[1]]


@pytest.mark.parametrize(
    ("current", "before", "gone"),
    [
        (R[7], R[6], R[:3]),
        (R[0], "", R[1:4]),
        (R[0], R[1], R[2:5]),
    ],
)
def test_the_newest_stay_and_those_that_count(current: str, before: str, gone: list[str]) -> None:
    removed = to_remove(R, current, before=before)
    assert removed == gone
    assert len(R) - len(removed) == 5


def test_going_back_leads_to_the_one_before() -> None:
    assert to_go_back_to(R, R[4]) == R[3]
    assert to_go_back_to(R, R[0]) == ""
    assert to_go_back_to(R, R[4], [R[3]]) == R[2]
    assert to_go_back_to(R[:2], R[1], [R[0]]) == ""


@pytest.mark.parametrize(
    ("already", "before", "target", "then"),
    [
        ([], R[4], R[3], [R[4]]),
        ([R[4]], R[3], R[1], [R[3], R[4]]),
        ([R[4]], R[3], R[4], []),  # counts again
        ([], R[1], R[3], []),  # to a newer one: nothing was wrong with it
        (["01GONE"], R[4], R[3], [R[4]]),
    ],
)
def test_what_was_gone_back_from_is_remembered(already: list[str], before: str, target: str, then: list[str]) -> None:
    assert rolled_back_then(R, already, before, target) == then


def test_a_release_comes_after_all_others_whatever_the_clocks_say() -> None:
    fresh = new_ulid()
    ahead = "7" + "0" * 25  # of somebody whose clock is thousands of years ahead
    assert next_id([], fresh) == next_id([R[0]], fresh) == fresh
    after = next_id([fresh, ahead], fresh)
    assert is_ulid(after)
    assert after > ahead
    assert after == next_id([fresh, ahead], fresh)
    assert next_id([after], "0" * 26) > after
    assert next_id(["0" * 9 + "z" + "z" * 16], "0" * 26)[:10] == "0000000010"

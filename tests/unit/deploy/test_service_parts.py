"""What the parts plan that keep files of the system: tables of what is found, and what is then wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.fail2ban_part import Fail2banPart
from freehold.deploy.firewall_part import UFW_FILE, UNIT_FILE, FirewallPart
from freehold.deploy.journal_part import JournalPart
from freehold.deploy.managed_files import FileThere, ManagedFacts, Said, ThisLogin
from freehold.deploy.part import Change
from freehold.deploy.ssh_part import SshPart
from freehold.hosts.fake_host import FakeHost
from freehold.hosts.host import Host
from freehold.server import fail2ban, firewall, journal_limits, sshd
from freehold.server.layout import (
    EDGE_FRAGMENTS,
    FAIL2BAN_FILE,
    FAIL2BAN_FILTER,
    FIREWALL_FILE,
    JOURNAL_FILE,
    SSHD_FILE,
)
from freehold.server.listeners import Listener, reachable_listeners

HARDENED = (
    "port 22\npasswordauthentication no\nkbdinteractiveauthentication no\npermitemptypasswords no\n"
    "permitrootlogin without-password\npubkeyauthentication yes\nlogingracetime 30\nallowstreamlocalforwarding yes\n"
)
OPEN = HARDENED.replace("passwordauthentication no", "passwordauthentication yes")


async def log_in() -> Host:
    return FakeHost()


def file(text: str, **other: Any) -> FileThere:
    return FileThere(sha256="", text=text, mode=other.get("mode", 0o644), owner=other.get("owner", "root:root"))


def raw(
    files: dict[str, FileThere | None] | None = None, said: dict[str, str | Said] | None = None, **other: Any
) -> msgspec.Raw:
    told = {name: Said(0, text) if isinstance(text, str) else text for name, text in (said or {}).items()}
    return msgspec.Raw(msgspec.json.encode(ManagedFacts(files=files or {}, said=told, **other)))


def ssh(dump: str | Said = HARDENED, text: str = "", unit: str = "ssh.service", **other: Any) -> Sequence[Change]:
    files = {SSHD_FILE: file(text, **other.pop("of_file", {})) if text else None}
    states = ["loaded" if each == unit else "not-found" for each in ("ssh.service", "sshd.service")]
    return SshPart(log_in).plan(raw(files, {"dump": dump, "units": "\n\n".join(states)}, **other))


def activations(change: Change) -> list[str]:
    return [" ".join(step["argv"]) for step in change.document["activate"]]


def test_sshd_that_is_as_it_should_be() -> None:
    assert ssh(text=sshd.drop_in()) == []


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"text": "PasswordAuthentication yes\n"},
        {"text": sshd.drop_in(), "of_file": {"mode": 0o666}},
        {"text": sshd.drop_in(), "of_file": {"owner": "somebody:root"}},
        {"text": sshd.drop_in(), "waiting": True},
    ],
)
def test_sshd_is_made_right(found: dict[str, Any]) -> None:
    (change,) = ssh(**found)
    assert change.what == f"write {SSHD_FILE} and reload ssh.service: keys alone let in"
    assert change.document["check"] == (sshd.TEST,)
    assert change.document["files"][0]["text"] == sshd.drop_in()


def test_what_lets_in_without_a_key_now_is_told() -> None:
    (change,) = ssh(OPEN)
    assert change.detail[0] == "now: passwordauthentication is yes"


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        ("permitrootlogin no", "PermitRootLogin no"),
        ("permitrootlogin forced-commands-only", "PermitRootLogin forced-commands-only"),
        ("permitrootlogin yes", "PermitRootLogin prohibit-password"),
        ("logingracetime 10", "LoginGraceTime 10"),
        ("logingracetime 0", "LoginGraceTime 30"),
        ("logingracetime 120", "LoginGraceTime 30"),
        ("allowstreamlocalforwarding local", "AllowStreamLocalForwarding local"),
        ("allowstreamlocalforwarding no", "AllowStreamLocalForwarding yes"),
    ],
)
def test_what_is_stricter_already_stays_so(before: str, kept: str) -> None:
    keyword = before.split()[0]
    dump = "\n".join(line for line in HARDENED.splitlines() if not line.startswith(keyword)) + f"\n{before}\n"
    (change,) = ssh(dump)
    assert kept in change.document["files"][0]["text"].splitlines()
    after = sshd.effective("\n".join(line.lower() for line in change.document["files"][0]["text"].splitlines()))
    assert sshd.drop_in(after) == change.document["files"][0]["text"]  # the next push finds nothing to do


def test_ubuntu_where_systemd_listens_for_sshd() -> None:
    """24.04: `ssh.socket` starts `ssh.service` with the first connection; cloud-init's own file allows passwords."""
    (change,) = ssh(OPEN)
    assert activations(change) == ["systemctl try-reload-or-restart ssh.service"]
    assert SSHD_FILE < "/etc/ssh/sshd_config.d/50-cloud-init.conf"  # sshd takes the first value that it meets
    for words in (sshd.DUMP, sshd.TEST):
        assert "mkdir -p /run/sshd" in words[2]  # it is not there before sshd was started once


def test_a_unit_of_another_name() -> None:
    (change,) = ssh(unit="sshd.service")
    assert activations(change) == ["systemctl try-reload-or-restart sshd.service"]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"dump": Said(127, "sshd: not found")}, "no OpenSSH server"),
        (
            {"dump": Said(255, "/etc/ssh/sshd_config: line 3: Bad configuration option: X\n")},
            "Bad configuration option",
        ),
        ({"unit": "dropbear.service"}, "run by no unit"),
        ({"dump": OPEN, "text": sshd.drop_in()}, "passwordauthentication is yes"),
    ],
)
def test_sshd_that_cannot_be_made_right(found: dict[str, Any], words: str) -> None:
    with pytest.raises(FreeholdError, match=words) as caught:
        ssh(**found)
    assert caught.value.code is Code.FAILED
    assert caught.value.hint


JAILED = {FAIL2BAN_FILE: file(fail2ban.jail([22])), FAIL2BAN_FILTER: file(fail2ban.login_filter())}
RUNS: dict[str, str | Said] = {"dump": HARDENED, "unit": "ActiveState=active\nUnitFileState=enabled\n"}


@pytest.mark.parametrize(
    ("files", "said", "other", "planned"),
    [
        (JAILED, RUNS, {}, 0),
        (JAILED, RUNS, {"login": ThisLogin("root", "192.0.2.1", "192.0.2.2", 22)}, 0),
        (JAILED, RUNS, {"login": ThisLogin("root", "192.0.2.1", "192.0.2.2", 2222)}, 1),
        (JAILED, {**RUNS, "dump": HARDENED + "port 2222\n"}, {}, 1),
        (JAILED, {**RUNS, "unit": "ActiveState=failed\nUnitFileState=enabled\n"}, {}, 1),
        (JAILED, {**RUNS, "unit": "ActiveState=active\nUnitFileState=disabled\n"}, {}, 1),
        (JAILED, RUNS, {"waiting": True}, 1),
        ({**JAILED, FAIL2BAN_FILTER: None}, RUNS, {}, 1),
        ({}, {}, {}, 1),
    ],
)
def test_fail2ban(files: dict[str, FileThere | None], said: dict[str, str | Said], other: Any, planned: int) -> None:
    assert len(Fail2banPart().plan(raw(files, said, **other))) == planned


def test_fail2ban_that_did_not_run_is_stopped_again_when_it_does_not_start() -> None:
    (fresh,) = Fail2banPart().plan(raw({}, {}))
    assert fresh.document["undo"] == (("systemctl", "disable", "--now", "fail2ban.service"),)
    (running,) = Fail2banPart().plan(raw({}, {"unit": "ActiveState=active\n"}))
    assert running.document["undo"] == (("systemctl", "restart", "fail2ban.service"),)


TABLE = "table inet freehold {\n\tchain input {\n\t\ttcp dport { 22, 80, 443 } accept\n\t}\n}\n"
SHUT = {FIREWALL_FILE: file(firewall.rules([22, 80, 443])), UNIT_FILE: file(firewall.unit()), UFW_FILE: None}
UP: dict[str, str | Said] = {"dump": HARDENED, "table": TABLE, "enabled": "enabled\n", "firewalld": Said(3, "inactive")}


def wall(exposed: bool = True, also: Sequence[int] = ()) -> FirewallPart:
    return FirewallPart(log_in, exposed=exposed, also=also)


@pytest.mark.parametrize(
    ("part", "files", "said", "other", "ports"),
    [
        (wall(), SHUT, UP, {}, ""),
        (wall(), SHUT, {**UP, "table": Said(1, "No such file")}, {}, "22, 80, 443"),
        (wall(), SHUT, {**UP, "table": TABLE.replace("443", "444")}, {}, "22, 80, 443"),
        (wall(), SHUT, {**UP, "table": TABLE.replace("accept", "accept\n\t\taccept")}, {}, "22, 80, 443"),
        (wall(), SHUT, {**UP, "enabled": Said(1, "disabled")}, {}, "22, 80, 443"),
        (wall(), {**SHUT, UNIT_FILE: None}, UP, {}, "22, 80, 443"),
        (wall(), SHUT, UP, {"waiting": True}, "22, 80, 443"),
        (wall(), SHUT, {**UP, "dump": "port 22\nport 2222\n"}, {}, "22, 80, 443, 2222"),
        (wall(), SHUT, UP, {"login": ThisLogin("root", "a", "b", 2200)}, "22, 80, 443, 2200"),
        (wall(also=(25,)), SHUT, UP, {}, "22, 25, 80, 443"),
        (wall(exposed=False), SHUT, UP, {}, "22"),
        (wall(exposed=False), SHUT, UP, {"folders": {EDGE_FRAGMENTS: ["blog.json"]}}, ""),
    ],
)
def test_the_firewall(part: FirewallPart, files: Any, said: Any, other: Any, ports: str) -> None:
    planned = [change.what for change in part.plan(raw(files, said, **other))]
    assert planned == (
        [f"let in TCP {ports} and nothing else: write {FIREWALL_FILE}, enable freehold-firewall.service"]
        if ports
        else []
    )


@pytest.mark.parametrize(
    ("theirs", "files", "said"),
    [
        ("ufw", {UFW_FILE: file("# x\nENABLED = yes\n")}, {}),
        ("firewalld", {UFW_FILE: None}, {"firewalld": "active\n"}),
    ],
)
def test_somebody_elses_firewall_is_left(theirs: str, files: Any, said: Any) -> None:
    none = {**UP, "table": Said(1), "enabled": Said(1), **said}
    assert wall().plan(raw(files, none)) == []
    assert wall().advice(raw(files, none)).startswith(f"{theirs} is at work, and is left as it is: to open 22, 80, 443")
    (change,) = wall().plan(raw({**SHUT, **files}, {**UP, **said}))  # it came after ours
    assert change.what == f"take the rules of freehold-firewall.service away: {theirs} is at work"
    assert wall().advice(raw(SHUT, UP)) == ""


LISTENING = """\
udp   UNCONN 0      0            0.0.0.0:68         0.0.0.0:*    users:(("dhclient",pid=1,fd=7))
udp   UNCONN 0      0            0.0.0.0:51820      0.0.0.0:*
udp   UNCONN 0      0      127.0.0.53%lo:53         0.0.0.0:*    users:(("systemd-resolve",pid=2,fd=1))
tcp   LISTEN 0      128          0.0.0.0:22         0.0.0.0:*    users:(("sshd",pid=3,fd=3))
tcp   LISTEN 0      128             [::]:22            [::]:*    users:(("sshd",pid=3,fd=4))
tcp   LISTEN 0      244        127.0.0.1:5432       0.0.0.0:*    users:(("postgres",pid=4,fd=5))
tcp   LISTEN 0      511                *:3000             *:*    users:(("node",pid=5,fd=18))
tcp   LISTEN 0      4096         0.0.0.0:9000       0.0.0.0:*    users:(("docker-proxy",pid=6,fd=4))
tcp   LISTEN 0      4096           [::1]:631           [::]:*    users:(("cupsd",pid=7,fd=6))
"""


def test_what_the_first_rules_shut_out_is_told() -> None:
    said = {**UP, "table": Said(1), "enabled": Said(1), "listeners": LISTENING}
    (change,) = wall().plan(raw({}, said))
    assert change.detail[:2] == (
        "no longer reached from outside: TCP 3000 (node)", "no longer reached from outside: UDP 51820"
    )  # fmt: skip
    (again,) = wall(also=(25,)).plan(raw(SHUT, {**UP, "listeners": LISTENING}))
    assert not [line for line in again.detail if line.startswith("no longer")]
    assert Listener("tcp", 22, "sshd") in reachable_listeners(LISTENING)
    assert reachable_listeners("Netid State\n\nnoise") == []


LISTED = """\
table inet freehold {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		ct state invalid drop
		iif "lo" accept
		meta l4proto { icmp, ipv6-icmp } accept
		udp dport { 68, 546 } accept
		tcp dport { 22, 80, 443 } accept
	}
}
"""
"""What nft 1.0.6 (Debian 12) says of `firewall.rules([22, 80, 443])`."""
OURS = "\t\ttcp dport { 22, 80, 443 } accept\n"


@pytest.mark.parametrize(
    ("table", "ports", "foreign"),
    [
        (LISTED, [22, 80, 443], []),
        (LISTED.replace("{ 22, 80, 443 }", "22"), [22], []),
        (LISTED.replace(OURS, f"{OURS}\t\taccept\n"), [22, 80, 443], ["accept"]),
        (LISTED.replace(OURS, f"\t\ttcp dport 22 drop\n{OURS}"), [22, 80, 443], ["tcp dport 22 drop"]),
        (LISTED.replace("policy drop", "policy accept"), [22, 80, 443], ["policy accept"]),
        (LISTED.replace("udp dport { 68, 546 }", "udp dport { 53, 68 }"), [22, 80, 443],
         ["udp dport { 53, 68 } accept"]),
        (LISTED.replace("{ 22, 80, 443 }", "{ 22, 8000-9000 }"), [22], ["tcp dport { 22, 8000-9000 } accept"]),
        (LISTED.replace(OURS, f"{OURS}\t\ttcp dport 5432 accept\n"), [22, 80, 443, 5432],
         ["tcp dport { 22, 80, 443 } accept", "tcp dport 5432 accept"]),
        ("", [], []),
    ],
)  # fmt: skip
def test_what_the_kernel_lets_in(table: str, ports: list[int], foreign: list[str]) -> None:
    assert firewall.open_ports(table) == ports
    assert firewall.foreign_rules(table) == foreign
    assert firewall.foreign_rules(table.replace("\n", ";")) == foreign


def test_what_somebody_else_put_into_the_firewall_is_told_before_it_goes() -> None:
    (change,) = wall().plan(raw(SHUT, {**UP, "table": LISTED.replace(OURS, f"{OURS}\t\taccept\n")}))
    assert change.detail[0] == "taken away: accept"


@pytest.mark.parametrize(
    ("text", "waiting", "planned"),
    [(journal_limits.drop_in(), False, 0), ("x", False, 1), (journal_limits.drop_in(), True, 1)],
)
def test_the_journal(text: str, waiting: bool, planned: int) -> None:
    assert len(JournalPart().plan(raw({JOURNAL_FILE: file(text)}, waiting=waiting))) == planned

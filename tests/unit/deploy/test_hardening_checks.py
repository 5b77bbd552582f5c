"""How a server is shut, and how large its journal may grow: the question's answer, and what is said of it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

import pytest

from freehold.deploy.check import State
from freehold.deploy.hardening_checks import hardening_checks
from freehold.hosts.fake_host import FakeHost
from freehold.hosts.host import Host
from freehold.server.facts import PROBE, ServerFacts, read_facts

GOOD = {
    "uid": "0",
    "systemd": "running",
    "python": "3.11.2",
    "sshd": "port 22;port 2222;passwordauthentication no;kbdinteractiveauthentication no;permitemptypasswords no;"
    "permitrootlogin without-password;pubkeyauthentication yes;",
    "jail": "yes",
    "firewall": "table inet freehold {;chain input {;udp dport { 68, 546 } accept;"
    "tcp dport { 22, 80, 443, 2222 } accept;};};",
    "firewalld": "inactive",
    "ufw": "",
    "journal": "Storage=auto; SystemMaxUse=1G;Storage=persistent;SystemMaxUse=500M;",
}


async def log_in() -> Host:
    return FakeHost()


def judged(said: Mapping[str, str] | None = None, *, exposed: bool = True) -> dict[str, tuple[State, str]]:
    facts = facts_of(said or {})
    verdicts = {check.name: check.judge(facts) for check in hardening_checks(log_in, exposed=exposed)}
    return {name: (verdict.state, f"{verdict.message} {verdict.hint}") for name, verdict in verdicts.items()}


def facts_of(said: Mapping[str, str]) -> ServerFacts:
    return read_facts("\n".join(f"{key}={value}" for key, value in {**GOOD, **said}.items()), 0.0, 1.0)


def test_a_server_that_is_right() -> None:
    assert {name: state for name, (state, _) in judged().items()} == dict.fromkeys(
        ("ssh hardened", "fail2ban running", "firewall", "journal bounded"), State.PASS
    )


@pytest.mark.parametrize(
    ("name", "said", "state", "words"),
    [
        ("ssh hardened", {"sshd": "passwordauthentication yes;permitrootlogin yes;"}, State.FAIL, "password"),
        ("ssh hardened", {"sshd": "pubkeyauthentication no;"}, State.FAIL, "nobody may log in with a key"),
        ("ssh hardened", {"sshd": ""}, State.WARN, "could not be told"),
        ("fail2ban running", {"jail": ""}, State.FAIL, "does not watch"),
        ("firewall", {"firewall": ""}, State.FAIL, "no firewall"),
        ("firewall", {"firewall": "tcp dport 22 accept;"}, State.FAIL, "80, 443, 2222"),
        (
            "firewall",
            {"firewall": f"{GOOD['firewall']};tcp dport 1-9 accept;"},
            State.FAIL,
            "not freehold's: tcp dport 1-9",
        ),
        ("firewall", {"firewall": "", "ufw": "ENABLED=yes"}, State.PASS, "ufw allow 2222/tcp"),
        ("firewall", {"firewall": "", "ufw": "ENABLED=no"}, State.FAIL, "no firewall"),
        ("firewall", {"firewall": "", "firewalld": "active"}, State.PASS, "--add-port=443/tcp"),
        ("journal bounded", {"journal": "Storage=volatile;SystemMaxUse=1G;"}, State.FAIL, "not kept"),
        ("journal bounded", {"journal": "Storage=auto;"}, State.FAIL, "up to 4 GB"),
    ],
)
def test_what_each_check_finds(name: str, said: dict[str, str], state: State, words: str) -> None:
    found, told = judged(said)[name]
    assert found is state
    assert words in told


def test_a_server_that_is_not_exposed_needs_no_web() -> None:
    table = "tcp dport { 22, 2222 } accept"
    assert judged({"firewall": table}, exposed=False)["firewall"][0] is State.PASS
    assert judged({"firewall": table})["firewall"][0] is State.FAIL


def test_an_older_probe_says_nothing_of_the_journal() -> None:
    facts = read_facts("uid=0\n", 0.0, 1.0)
    assert facts.hardening.journal is None


def test_what_is_repaired_needs_root_systemd_and_python() -> None:
    checks = hardening_checks(log_in, exposed=True)
    assert all(check.repair(facts_of({})) for check in checks)
    for lacking in ({"uid": "1000"}, {"systemd": ""}, {"python": ""}, {"python": "3.9.2"}):
        assert not any(check.repair(facts_of(lacking)) for check in checks)


def test_the_question_is_plain_shell_and_harmless_where_nothing_is_there() -> None:
    done = subprocess.run(["sh", "-s"], input=PROBE, capture_output=True, text=True, env={"PATH": "/bin:/usr/bin"})
    assert done.returncode == 0
    keys = [line.partition("=")[0] for line in done.stdout.splitlines()]
    assert {"sshd", "jail", "firewall", "firewalld", "ufw", "journal", "docker", "clock"} <= set(keys)
    assert all(key.replace("_", "").isalpha() for key in keys)

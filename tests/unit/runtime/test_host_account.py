from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.runtime.host.account import (
    LAUNCHER,
    ROOT_EQUIVALENT,
    Account,
    Way,
    account_names,
    become,
    begin,
    look_up,
    require_fit,
    sudo_rule,
)

AGENT = Account("freehold-agent", 990, 991, Path("/var/lib/freehold-agent"))
PYTHON, OURS = Path("/usr/bin/python3"), Path("/v/bin/freehold-launch")
PLAIN = ("/usr/bin/python3", "-I", "-S", "/v/bin/freehold-launch")


def test_names_are_numbered_from_the_second_on() -> None:
    assert account_names("al-agent", 3) == ["al-agent", "al-agent-2", "al-agent-3"]


@pytest.mark.parametrize(
    ("way", "account", "expected"),
    [
        (Way.ROOT, AGENT, (
            "setpriv", "--reuid=990", "--regid=991", "--init-groups", "--no-new-privs", "--inh-caps=-all",
            "--bounding-set=-all", "--", *PLAIN)),
        (Way.ROOT, replace(AGENT, known=False), (
            "setpriv", "--reuid=990", "--regid=991", "--clear-groups", "--no-new-privs", "--inh-caps=-all",
            "--bounding-set=-all", "--", *PLAIN)),
        (Way.SUDO, AGENT, ("sudo", "-n", "-u", "freehold-agent", "--", str(LAUNCHER))),
        (Way.CALLER, AGENT, PLAIN),
    ],
)  # fmt: skip
def test_becoming_the_runs_user(way: Way, account: Account, expected: tuple[str, ...]) -> None:
    assert become(way, account, PYTHON, OURS) == expected


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        (Way.ROOT, PLAIN),
        (Way.SUDO, ("sudo", "-n", "-u", "freehold-agent", "--", str(LAUNCHER))),
        (Way.CALLER, PLAIN),
    ],
)
def test_root_starts_a_run_itself_to_make_namespaces_first(way: Way, expected: tuple[str, ...]) -> None:
    assert begin(way, AGENT, PYTHON, OURS) == expected


def test_the_rule_names_one_program_without_arguments_and_no_root() -> None:
    rule = sudo_rule("ada", ["freehold-agent", "freehold-agent-2"])
    (line,) = [line for line in rule.splitlines() if not line.startswith(("#", "Defaults"))]
    assert line == f'ada ALL=(freehold-agent, freehold-agent-2) NOPASSWD: {LAUNCHER} ""'
    assert "NOPASSWD: ALL" not in rule
    assert "root" not in line


@pytest.mark.parametrize(
    ("account", "groups", "words"),
    [
        (replace(AGENT, uid=0), (), "keeper's own user"),
        (replace(AGENT, uid=1000), (), "keeper's own user"),
        (replace(AGENT, shell="/bin/bash"), (), "somebody can log in"),
        (replace(AGENT, housed=False), (), "sshd lets in whom a home names"),
        (replace(AGENT, groups=("docker",)), (), "docker is as good as root"),
        (replace(AGENT, groups=("sudo", "users")), (), "sudo is as good as root"),
        (AGENT, ("docker",), "docker is as good as root"),
        (AGENT, ("video",), "not in the group video"),
    ],
)
def test_who_a_run_must_not_be(account: Account, groups: tuple[str, ...], words: str) -> None:
    with pytest.raises(FreeholdError) as caught:
        require_fit(account, 1000, groups)
    assert caught.value.code is Code.CONFIG
    assert words in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(("account", "groups"), [(AGENT, ()), (replace(AGENT, groups=("video",)), ("video",))])
def test_who_a_run_may_be(account: Account, groups: tuple[str, ...]) -> None:
    require_fit(account, 1000, groups)


def test_every_way_to_root_that_a_group_can_be_is_known() -> None:
    assert {"docker", "sudo", "wheel", "lxd", "disk", "staff"} <= ROOT_EQUIVALENT


def test_the_group_that_a_user_belongs_to_first_counts_too() -> None:
    """In /etc/group it is not among that group's members."""
    [root] = look_up("root")
    assert "root" in root.groups
    assert not root.housed

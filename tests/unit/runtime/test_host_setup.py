from __future__ import annotations

from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.runtime.host.account import LAUNCHER, sudo_rule
from freehold.runtime.host.installed import launcher_problem
from freehold.runtime.host.readiness import NOT_CONTAINED, HostFacts, readiness
from freehold.runtime.host.rules import keepers_of, kept_for_others
from freehold.runtime.host.setup import Wanted, missing
from freehold.runtime.host.talk import refusal

WANTED = Wanted("freehold-agent", 2, "ada")
RULE = sudo_rule("ada", ["freehold-agent", "freehold-agent-2"])
BOTH = {"freehold-agent", "freehold-agent-2"}
HOMES_OF = {name: [f"make /var/lib/{name}", f"make /var/lib/{name}/own", f"give {name}"] for name in BOTH}


@pytest.mark.parametrize(
    ("there", "rule", "launcher", "told"),
    [
        (set(), "", False, ["user freehold-agent", "user freehold-agent-2", *HOMES_OF["freehold-agent"],
                            *HOMES_OF["freehold-agent-2"], "install", "let ada start runs"]),
        ({"freehold-agent"}, RULE, True, ["user freehold-agent-2", *HOMES_OF["freehold-agent-2"]]),
        (BOTH, "an older rule", True, ["let ada start runs"]),
        (BOTH, RULE, False, ["install"]),
        (BOTH, RULE, True, []),
    ],
)  # fmt: skip
def test_what_is_missing_is_made_and_no_more(there: set[str], rule: str, launcher: bool, told: list[str]) -> None:
    actions = missing(WANTED, there, rule, launcher, {})
    assert len(actions) == len(told)
    assert all(words in action.told for words, action in zip(told, actions, strict=True))


def test_root_needs_no_rule_and_no_launcher() -> None:
    assert missing(Wanted("freehold-agent", 2, "root"), BOTH, "", launcher_is_right=False, for_others={}) == []


def test_a_user_that_nobody_can_log_in_as() -> None:
    user, home, own, given = missing(
        Wanted("al-agent", 1, "root", ("video",)), (), "", launcher_is_right=True, for_others={}
    )
    assert user.command[0] == "useradd"
    assert user.command[user.command.index("--shell") :][:2] == ("--shell", "/usr/sbin/nologin")
    assert user.command[user.command.index("--groups") :][:2] == ("--groups", "video")
    assert home.command[-1] == "/var/lib/al-agent"
    assert home.command[home.command.index("--owner") :][:2] == ("--owner", "root")
    assert "0711" in home.command
    assert own.command[-1] == "/var/lib/al-agent/own"
    assert given.command[-2:] == ("al-agent:al-agent", "/var/lib/al-agent/own")


def test_a_home_that_is_its_users_to_change_is_made_roots() -> None:
    told = [action.told for action in missing(WANTED, BOTH, RULE, True, {}, {"freehold-agent-2"})]
    assert len(told) == len(HOMES_OF["freehold-agent-2"])
    assert all(words in action for words, action in zip(HOMES_OF["freehold-agent-2"], told, strict=True))


def test_the_rule_is_written_for_root_alone_to_read() -> None:
    (action,) = missing(WANTED, BOTH, "", launcher_is_right=True, for_others={})
    assert (action.path, action.mode, action.content.decode()) == (
        Path("/etc/sudoers.d/freehold-ada-freehold-agent"),
        0o440,
        RULE,
    )


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted("freehold-agent", 1, "ada", ("docker",)),
        Wanted("freehold-agent", 1, "ada", ("video", "sudo")),
        Wanted("root ALL", 1, "ada"),
        Wanted("freehold-agent", 1, "ada,bob"),
        Wanted("freehold-agent\nada ALL=(ALL) NOPASSWD: ALL", 1, "ada"),
    ],
)
def test_nothing_is_made_that_leads_to_root(wanted: Wanted) -> None:
    with pytest.raises(FreeholdError) as caught:
        missing(wanted, (), "", launcher_is_right=True, for_others={})
    assert caught.value.code is Code.CONFIG


@pytest.mark.parametrize("keeper", ["bob", "root"])
def test_nobody_is_given_the_users_of_another_persons_runs(keeper: str) -> None:
    wanted = Wanted("freehold-agent", 2, keeper)
    with pytest.raises(FreeholdError) as caught:
        missing(wanted, BOTH, "", launcher_is_right=True, for_others={"freehold-agent-2": "ada"})
    assert caught.value.code is Code.CONFIG
    assert "freehold-agent-2 is for the runs of ada" in caught.value.message
    assert f"freehold-{keeper}" in caught.value.hint


def test_rules_are_read_as_they_are_written(tmp_path: Path) -> None:
    assert keepers_of(RULE) == {"freehold-agent": "ada", "freehold-agent-2": "ada"}
    (tmp_path / "freehold-ada-freehold-agent").write_text(RULE)
    (tmp_path / "freehold-bob-mine").write_text(sudo_rule("bob", ["mine"]))
    (tmp_path / "others").write_text("eve ALL=(ALL) NOPASSWD: ALL\n")
    assert kept_for_others("ada", tmp_path) == {"mine": "bob"}
    assert kept_for_others("root", tmp_path) == {**keepers_of(RULE), "mine": "bob"}
    assert kept_for_others("root", tmp_path / "none") == {}


GOOD = HostFacts("linux", root=False, accounts=2, setpriv=True, launcher_problem="", allowed=True, namespaces=True)


@pytest.mark.parametrize(
    ("changes", "problem", "hint"),
    [
        ({}, "", ""),
        ({"platform": "darwin"}, "need Linux", "Docker"),
        ({"setpriv": False}, "setpriv", "apt-get install util-linux"),
        ({"accounts": 0}, "no user freehold-agent", "doctor --fix"),
        ({"launcher_problem": f"{LAUNCHER} is not installed."}, "not installed", "doctor --fix"),
        ({"unfit": ("Runs cannot run as it.", "doctor --fix")}, "Runs cannot", "doctor --fix"),
        ({"allowed": False}, "sudo does not let us", "doctor --fix"),
        ({"root": True, "allowed": False, "launcher_problem": "x"}, "", ""),
    ],
)
def test_whether_this_machine_is_ready(changes: dict[str, object], problem: str, hint: str) -> None:
    found = readiness(HostFacts(**{**vars(GOOD), **changes}), "freehold-agent")
    assert found.ready is (not problem)
    assert problem in found.problem
    assert hint in found.hint
    assert any("memory" in warning for warning in found.warnings)


def test_a_machine_without_namespaces_says_what_that_means() -> None:
    found = readiness(HostFacts(**{**vars(GOOD), "namespaces": False}), "freehold-agent")
    assert any('only local.network = "open" works' in warning for warning in found.warnings)


def test_a_machine_without_pid_namespaces_says_what_that_means() -> None:
    found = readiness(HostFacts(**{**vars(GOOD), "contained": False}), "freehold-agent")
    assert found.ready
    assert NOT_CONTAINED in found.warnings
    assert NOT_CONTAINED not in readiness(GOOD, "freehold-agent").warnings


def test_a_launcher_that_others_can_change_is_not_trusted(tmp_path: Path) -> None:
    path = tmp_path / "freehold-launch"
    owner = tmp_path.stat().st_uid
    assert "not installed" in launcher_problem(path, owner)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o775)
    assert "root's alone" in launcher_problem(path, owner)
    path.chmod(0o755)
    assert "another version" in launcher_problem(path, owner)
    assert "root's alone" in launcher_problem(path, owner + 1)
    link = tmp_path / "link"
    link.symlink_to(path)
    assert "root's alone" in launcher_problem(link, owner)


@pytest.mark.parametrize(
    ("kind", "code", "hint"),
    [
        ("busy", Code.CONFLICT, "freehold runs"),
        ("taken", Code.CONFLICT, "doctor --fix"),
        ("no_namespace", Code.CONFIG, 'local.network = "open"'),
        ("no_program", Code.FAILED, "host's programs"),
        ("failed", Code.FAILED, "freehold doctor"),
    ],
)
def test_a_refusal_says_what_to_do(kind: str, code: Code, hint: str) -> None:
    error = refusal({"error": "the reason", "kind": kind}, "Run x could not be started")
    assert error.code is code
    assert error.message.startswith("Run x could not be started")
    assert "the reason" in error.message
    assert hint in error.hint

"""A keeper that is not root: it becomes other users by the one sudo rule that `doctor --fix` writes, and no further."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

import freehold
from freehold.base.errors import Code, FreeholdError
from freehold.cli.context import Context
from freehold.cli.engine_checks import check_engines
from freehold.cli.finding import Finding
from freehold.project.load import load_project
from freehold.runtime.host.account import LAUNCHER
from freehold.runtime.host.setup import Wanted, fix, plan
from freehold.runtime.host.tenancy import Tenancy
from tests.support.host_users import kill_processes_of, uid_of

pytestmark = pytest.mark.root

KEEPER = f"fhk-{os.getpid() % 10000}"
RUN_AS = f"fhr-{os.getpid() % 10000}"
SCRIPT = Path(__file__).with_name("as_keeper.py")


@dataclass(frozen=True)
class Keeper:
    """A user with a private home, like any developer's, and what was done for them."""

    home: Path
    library: Path
    done: list[str]

    def run(self, *command: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        become = ["setpriv", f"--reuid={KEEPER}", f"--regid={KEEPER}", "--init-groups", "--"]
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.home), "FREEHOLD_CANARY": "operators-secret"}
        return subprocess.run([*before, *become, *command], env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def the_only_one() -> Iterator[None]:
    """The launcher has one place on a machine: test processes side by side take turns."""
    with Path("/var/tmp/freehold-test-launcher.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="module")
def keeper(the_only_one: None) -> Iterator[Keeper]:
    home = Path(f"/var/lib/{KEEPER}")
    had_launcher = LAUNCHER.exists()
    subprocess.run(["useradd", "--create-home", "--home-dir", str(home), KEEPER], check=True)
    home.chmod(0o700)
    uid = home.stat().st_uid
    wanted = Wanted(RUN_AS, 2, KEEPER)
    done = asyncio.run(fix(wanted))
    for package in (freehold, msgspec):
        source = Path(package.__file__ or "").parent
        shutil.copytree(source, home / "lib" / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    script = home / "as_keeper.py"
    script.write_text(SCRIPT.read_text())
    subprocess.run(["chown", "-R", f"{KEEPER}:", str(home)], check=True)
    yield Keeper(home, home / "lib", done)
    kill_processes_of(KEEPER)
    for name in (*wanted.accounts, KEEPER):
        subprocess.run(["userdel", name], check=True)
        subprocess.run(["rm", "-rf", f"/var/lib/{name}"], check=True)
    wanted.rule_file.unlink()
    if not had_launcher:
        LAUNCHER.unlink()
    for left in (f"/var/tmp/freehold-{uid}", f"/dev/shm/freehold-{uid}", f"/dev/shm/freehold-{uid}-runs"):
        subprocess.run(["rm", "-rf", left], check=True)


def test_a_run_from_start_to_end(keeper: Keeper) -> None:
    base = keeper.home / "project" / ".freehold"
    done = keeper.run(
        "/usr/bin/python3", "-I", "-S", str(keeper.home / "as_keeper.py"), str(keeper.library), str(base), RUN_AS
    )
    assert done.returncode == 0, done.stderr
    problems = {step: problem for step, problem in json.loads(done.stdout).items() if problem}
    assert problems == {}


COVER = """
awk '$3 == "proc" && $2 != "/proc" { print $2 }' /proc/mounts | xargs --no-run-if-empty umount --lazy
mount --bind /dev/null /proc/version
exec "$@"
"""
WITH_A_COVERED_PROC = ("unshare", "--mount", "sh", "-ec", COVER, "sh")
"""As in a container: where a part of every /proc is covered, the kernel gives ordinary users none of their own."""


def test_a_run_from_start_to_end_where_no_pid_namespace_can_be_had(keeper: Keeper) -> None:
    """But for hunters, which a keeper that is not root may then not get the better of (docs/host-user.md)."""
    base = keeper.home / "other" / ".freehold"
    program = ("/usr/bin/python3", "-I", "-S", str(keeper.home / "as_keeper.py"))
    told = (str(keeper.library), str(base), RUN_AS, "cannot_end_who_ends_it")
    done = keeper.run(*program, *told, before=WITH_A_COVERED_PROC)
    problems = {step: problem for step, problem in json.loads(done.stdout).items() if problem}
    assert list(problems) == ["sees_its_own_processes_only"]


@pytest.mark.parametrize(
    "command",
    [
        ("-u", RUN_AS, "--", "/bin/sh", "-c", "id"),
        ("-u", RUN_AS, "--", str(LAUNCHER), "an-argument"),
        ("-u", "root", "--", str(LAUNCHER)),
        ("-u", "nobody", "--", str(LAUNCHER)),
        ("--", "/bin/true"),
    ],
)
def test_the_rule_allows_nothing_else(keeper: Keeper, command: tuple[str, ...]) -> None:
    refused = keeper.run("sudo", "-n", *command)
    assert refused.returncode != 0
    assert "password is required" in refused.stderr or "not allowed" in refused.stderr, refused.stderr


def test_the_rule_allows_the_launcher_and_passes_nothing_on(keeper: Keeper) -> None:
    asked = keeper.run("sudo", "-n", "-u", RUN_AS, "--", str(LAUNCHER))
    assert asked.returncode == 1
    assert json.loads(asked.stdout)["kind"] == "failed", "it got no line to read, but it was run"


def test_only_root_can_change_the_launcher_and_the_rule(keeper: Keeper) -> None:
    rule = Wanted(RUN_AS, 2, KEEPER).rule_file
    assert (LAUNCHER.stat().st_uid, LAUNCHER.stat().st_mode & 0o7777) == (0, 0o755)
    assert (rule.stat().st_uid, rule.stat().st_mode & 0o7777) == (0, 0o440)
    for path in (*LAUNCHER.parents,):
        assert path.stat().st_uid == 0


def test_fixing_again_finds_nothing_to_do(keeper: Keeper) -> None:
    assert len(keeper.done) >= 5
    assert plan(Wanted(RUN_AS, 2, KEEPER)) == []


def test_more_users_are_added_to_those_there_are(keeper: Keeper) -> None:
    told = [action.told for action in plan(Wanted(RUN_AS, 3, KEEPER))]
    assert told[0] == f"make the user {RUN_AS}-3"
    assert len(told) == 5, "the user, its home in three steps, the rule"


def project_of(folder: Path) -> Context:
    """Of one agent with two slots, which has both users of `keeper`."""
    agent = folder / "agents" / "dev"
    agent.mkdir(parents=True)
    (agent / "SKILL.md").write_text("---\nname: dev\ndescription: Looks.\n---\nLook.\n")
    (agent / "rehearsal.yaml").write_text("version: 1\nturns:\n  - say: Done.\n")
    (folder / "config.toml").write_text('[models.one]\nprovider = "rehearsal"\nmodel = "any"\n')
    runtime = f'[runtime]\ntype = "host-user"\nrun_as = "{RUN_AS}"\n'
    (agent / "config.toml").write_text(f'models = ["one"]\nschedule = "0 * * * *"\nscale = 2\n{runtime}')
    return Context(project_dir=folder, home=folder / "home")


async def looked_at(context: Context) -> Finding:
    findings = await check_engines(context, load_project(context.project_dir, home=context.home))
    [finding] = [finding for finding in findings if finding.subject == f"user {RUN_AS}" and finding.level != "warning"]
    return finding


async def test_doctor_looks_at_what_the_persons_keeper_needs_and_not_root(
    keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = project_of(tmp_path / "shop")
    monkeypatch.setenv("SUDO_USER", KEEPER)
    assert (await looked_at(context)).level == "ok"
    LAUNCHER.write_bytes(LAUNCHER.read_bytes() + b"# of an earlier version\n")
    finding = await looked_at(context)
    assert finding.fix is not None
    assert finding.fix.offer.endswith(f"install {LAUNCHER}")
    await finding.fix.apply()
    assert (await looked_at(context)).level == "ok"


def a_claim_of_another_project(keeper: Keeper) -> Path:
    claims = Path(f"/var/tmp/freehold-{keeper.home.stat().st_uid}/claims")
    claims.mkdir(parents=True, exist_ok=True)
    claim = claims / f"{RUN_AS}-2"
    claim.write_bytes(msgspec.json.encode(Tenancy("mart-dev-0", uid_of(f"{RUN_AS}-2"), "key")))
    return claim


async def test_doctor_makes_more_users_when_other_projects_have_those_there_are(
    keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = project_of(tmp_path / "shop")
    monkeypatch.setenv("SUDO_USER", KEEPER)
    claim = a_claim_of_another_project(keeper)
    try:
        finding = await looked_at(context)
    finally:
        claim.unlink()
    assert "3 such users are needed" in finding.message or "are missing" in finding.message
    assert finding.fix is not None
    assert f"make the user {RUN_AS}-3" in finding.fix.offer


async def test_doctor_gives_nobody_the_users_of_another_person(
    keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = project_of(tmp_path / "shop")
    monkeypatch.setenv("SUDO_USER", "nobody")
    finding = await looked_at(context)
    assert finding.fix is None
    assert f"{RUN_AS} is for the runs of {KEEPER}" in finding.message
    assert "run_as" in finding.hint


def test_a_launcher_of_another_version_starts_no_run(keeper: Keeper) -> None:
    ours = LAUNCHER.read_bytes()
    LAUNCHER.write_bytes(ours + b"# of an earlier version\n")
    base = keeper.home / "project" / ".freehold"
    command = (
        "/usr/bin/python3",
        "-I",
        "-S",
        str(keeper.home / "as_keeper.py"),
        str(keeper.library),
        str(base),
        RUN_AS,
    )
    try:
        done = keeper.run(*command)
    finally:
        LAUNCHER.write_bytes(ours)
    problems = json.loads(done.stdout)
    assert "another version" in problems["ends"]
    assert "doctor --fix" in problems["ends"]


async def test_a_rule_that_visudo_refuses_is_not_installed() -> None:
    from freehold.runtime.host import rules, setup

    action = setup.Action("break sudo", path=rules.SUDOERS / "freehold-broken", content=b"nonsense\n", mode=0o440)
    with pytest.raises(FreeholdError) as caught:
        await setup._write(action)
    assert caught.value.code is Code.FAILED
    assert "visudo" in caught.value.message
    assert os.listdir(rules.SUDOERS) == [name for name in os.listdir(rules.SUDOERS) if "broken" not in name]  # noqa: PTH208

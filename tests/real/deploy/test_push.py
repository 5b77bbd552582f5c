"""Pushing to a real server: what it makes of it, what it costs, and going back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.health import HealthPart
from freehold.deploy.release_files import read_release_files
from freehold.deploy.rollback import Rollback, releases_on
from freehold.deploy.step import Step
from freehold.deploy.unhealthy import UnhealthyError
from tests.support.folders import MODEL, write_files
from tests.support.pushing import DEAD, PROJECT, Pushing, another_bundle, project, typed_in
from tests.support.sandbox import SandboxServer
from tests.support.server_parts import on

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]

ODD = 'it\'s "odd"\n$(touch pwned) `id` ; -rf'
UNREACHABLE_DATABASE = 'database_url = "postgresql://nobody@127.0.0.1:1/none"\n'


@pytest.fixture(scope="module")
def shop(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Pushing:
    """What a test leaves of it, the next one finds."""
    return project(sandbox, tmp_path_factory.mktemp("shop"))


def pids(shop: Pushing) -> str:
    units = f"{shop.layout.service} {shop.layout.keeper}"
    return shop.says(f"systemctl show --property=MainPID --value {units}")


async def test_the_first_push_makes_everything_and_the_next_one_nothing(shop: Pushing) -> None:
    done = await shop.push()
    assert done.changed
    assert json.loads(shop.health)["release"] == done.plan.release.id == shop.current
    assert shop.says(f"{shop.layout.command} status --json").startswith("{")
    before = pids(shop)
    line = await shop.line()
    again = await shop.push(line=line)
    assert (again.changed, again.plan.due, again.plan.release.id) == (False, (), done.plan.release.id)
    assert len(line.calls) == 2, line.calls  # all facts with the lease, and its end
    assert line.sent_bytes + line.got_bytes < 80_000
    assert pids(shop) == before


async def test_an_edit_is_taken_over_without_a_restart(shop: Pushing) -> None:
    await shop.push()
    before, was = pids(shop), shop.current
    shop.write(**{"agents/hello/SKILL.md": "---\ndescription: Other.\n---\nOther.\n"})
    line = await shop.line()
    done = await shop.push(line=line)
    assert shop.current == done.plan.release.id != was
    assert json.loads(shop.health)["release"] == shop.current
    assert pids(shop) == before
    assert len(line.calls) <= 8, line.calls
    said = shop.says(f"{shop.layout.command} agent show hello --json")
    assert json.loads(said)["description"] == "Other."
    same = shop.says(f"stat -c %i {shop.layout.releases}/*/config.toml | sort -u | wc -l")
    assert same == "1"


async def test_one_agent_goes_alone(shop: Pushing) -> None:
    await shop.push()
    before = pids(shop)
    shop.write(**{"agents/hello/SKILL.md": "---\ndescription: Third.\n---\nThird.\n", "shared/notes": "not yet"})
    line = await shop.line()
    done = await shop.push("hello", line=line)
    assert [each.step for each in done.plan.due] == [Step.RELEASE, Step.SWITCH, Step.HEALTH]
    assert len(line.calls) <= 6, line.calls
    assert pids(shop) == before
    assert "Third." in shop.says(f"cat {shop.layout.current}/agents/hello/SKILL.md")
    assert shop.says(f"ls {shop.layout.current}/shared 2>&1 || true").startswith("ls: cannot access")
    with pytest.raises(FreeholdError, match='there is no agent "nobody"') as caught:
        await shop.push("nobody")
    assert caught.value.code is Code.NOT_FOUND


async def test_what_is_not_well_goes_back_by_itself(shop: Pushing) -> None:
    await shop.push()
    of_it = f"OBJECT_SYSTEMD_UNIT={shop.layout.service}"  # journalctl -u takes it for the unit's (journalctl(1))
    shop.says(f"printf 'MESSAGE=said long ago\\n{of_it}\\n' | logger --journald")
    was, config = shop.current, (shop.root / "config.toml").read_text()
    shop.write(**{"config.toml": UNREACHABLE_DATABASE + config})
    with pytest.raises(UnhealthyError, match="counts again, and is well") as caught:
        await shop.push()
    assert caught.value.exit_code == 6
    assert any("postgresql" in line for line in caught.value.journal)
    shop.says(f"journalctl --no-pager -o cat -u {shop.layout.service} | grep -F 'said long ago'")
    assert not any("said long ago" in line for line in caught.value.journal)
    assert shop.current == was
    assert json.loads(shop.health)["release"] == was
    assert len(shop.says(f"ls {shop.layout.releases}").split()) <= 5
    shop.write(**{"config.toml": config})
    assert not (await shop.push()).plan.is_new_release


async def test_what_the_project_itself_refuses_goes_back_too(shop: Pushing, tmp_path: Path) -> None:
    """An agent that this machine finds sound, and the server does not."""
    await shop.push()
    was, wanted = shop.current, shop.wanted()
    write_files(tmp_path, {**PROJECT, "agents/hello/config.toml": 'models = ["nobody"]\n'})
    broken = replace(wanted, files=read_release_files(tmp_path, b'projectName = "shop"\n'))
    async with on(shop.sandbox) as host, shop.over(host, broken).begun() as begun:
        with pytest.raises(UnhealthyError, match=r"(?s)counts again, and is well\n.*refused.*nobody"):
            await begun.carry_out()
    assert shop.current == was
    assert json.loads(shop.health)["refused"] == []


async def test_another_program_is_brought_and_a_rollback_takes_it_back(shop: Pushing) -> None:
    first = (await shop.push()).plan.release
    other = replace(shop, bundle=another_bundle("second"))
    second = (await other.push()).plan.release
    assert (second.content, second.program != first.program) == (first.content, True)
    running = (
        f"readlink /proc/$(systemctl show --property=MainPID --value {shop.layout.service})/root{shop.layout.program}"
    )
    assert second.program in shop.says(running)
    async with on(shop.sandbox) as host:
        done = await Rollback(host, shop.layout, HealthPart(shop.layout)).carry_out()
        assert (done.release.id, done.before.id) == (first.id, second.id)
        assert first.program in shop.says(running)
        assert json.loads(shop.health)["release"] == first.id
        assert (await releases_on(host, shop.layout)).current == first.id
    assert not (await shop.push()).plan.is_new_release


async def test_two_projects_live_side_by_side_whatever_they_are_called(sandbox: SandboxServer, tmp_path: Path) -> None:
    one = project(sandbox, tmp_path, ODD, **{f"agents/hello/{ODD}": ODD, "shared/a": "x"})
    (one.root / "shared" / ODD).symlink_to("a")
    other = project(sandbox, tmp_path, "second")
    for each in (one, other):
        assert (await each.push()).changed
    assert one.layout.project == "it-s-odd-touch-pwned-id-rf"
    for each in (one, other):
        assert json.loads(each.health)["release"] == each.current
        assert not (await each.push()).changed
    sockets = [each.says(f"systemctl show --property=Listen --value {each.layout.socket}") for each in (one, other)]
    assert len(set(sockets)) == 2
    assert json.loads(one.says(f"{one.layout.command} status --json"))["name"] == ODD
    assert one.says(f"ls -A {one.layout.current}/shared | wc -l") == "3"  # a newline is in the name of the link
    assert one.says("find / -xdev -name pwned 2>/dev/null | wc -l") == "0"


async def test_the_second_of_two_is_told_who_is_first(shop: Pushing) -> None:
    await shop.push()
    async with on(shop.sandbox) as host, on(shop.sandbox) as other:
        async with shop.over(host, shop.wanted(), process="elsewhere 1 1").begun():
            with pytest.raises(FreeholdError, match=r"is being changed by .*@.*, who has it until \d\d:") as caught:
                async with shop.over(other, shop.wanted()).begun():
                    pass
            assert caught.value.code is Code.CONFLICT
            assert (await shop.over(other, shop.wanted()).plan()).due == ()  # to look is not to change
        async with shop.over(other, shop.wanted(), process=DEAD).begun() as begun:
            assert begun.plan.due == ()


async def test_a_person_is_told_what_keeps_a_push_from_being_made_and_what_undoes_a_rollback(shop: Pushing) -> None:
    sound = {path: (shop.root / path).read_text() for path in ("config.toml", "agents/hello/config.toml")}
    before = (await shop.push()).plan.release
    typed, there = typed_in(shop), ("-E", "hidden")
    shop.write(**{"config.toml": MODEL, "agents/hello/config.toml": 'models = ["sonnet"]\n'})
    planned = typed("push", *there, "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert "a push would stop before it touches anything" in planned.stdout
    assert "freehold creds add anthropic_key\n" in planned.stdout
    assert "    ~ agents/hello/config.toml\n" in planned.stdout
    refused = typed("push", *there, "--yes")
    assert (refused.returncode, shop.current) == (4, before.id), refused.stderr
    shop.write(**sound, **{"agents/hello/SKILL.md": "---\ndescription: Fourth.\n---\nFourth.\n"})
    await shop.push()
    back = typed("rollback", before.id, *there, "--yes")
    assert (back.returncode, shop.current) == (0, before.id), back.stderr
    assert "the next push brings its state again, and so undoes this" in back.stderr
    assert (await shop.push()).plan.is_new_release

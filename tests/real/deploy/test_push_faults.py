"""A push meets what goes wrong: its pusher is killed, the disk is full, nothing gets well, clocks are wrong."""

from __future__ import annotations

import asyncio
import json
import subprocess
from dataclasses import replace

import pytest

from freehold.base.errors import FreeholdError
from freehold.deploy.apply import Phases
from freehold.deploy.guard import guard_unit
from freehold.deploy.health import HealthPart
from freehold.deploy.rollback import Rollback
from freehold.deploy.step import Step
from freehold.deploy.unhealthy import UnhealthyError
from tests.support.program import PROGRAM, Freehold
from tests.support.pushing import DEAD, SKILL, WITHOUT_IMAGE, Pushing, project, typed_in
from tests.support.sandbox import SandboxServer

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]

UNREACHABLE_DATABASE = 'database_url = "postgresql://nobody@127.0.0.1:1/none"\n'
_WITHIN_S = 120.0


@pytest.fixture(scope="module")
def shop(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Pushing:
    return project(sandbox, tmp_path_factory.mktemp("faults"), "faults")


def spoil(shop: Pushing) -> str:
    """The project gets a database that there is not; what its file said before."""
    sound = (shop.root / "config.toml").read_text()
    shop.write(**{"config.toml": UNREACHABLE_DATABASE + sound})
    return sound


async def test_the_server_goes_back_by_itself_when_the_pusher_is_gone(shop: Pushing) -> None:
    await shop.push(process=DEAD)
    was, sound = shop.current, spoil(shop)
    hasty = replace(shop, lease_s=6.0, guard_after_s=2.0)
    line = await shop.line(Step.RESTART, "after")
    with pytest.raises(FreeholdError, match="a test cut it"):
        await hasty.push(line=line, process=DEAD)
    assert shop.current != was
    async with asyncio.timeout(_WITHIN_S):
        while shop.current != was or '"ok"' not in await asyncio.to_thread(_health, shop):
            await asyncio.sleep(1)
    assert json.loads(shop.health)["release"] == was
    said = shop.says(f"journalctl -o cat -u {guard_unit(shop.layout)}.service")
    assert f"{was} counts again" in said
    assert was not in shop.says(f"cat {shop.layout.rolled_back}")
    shop.write(**{"config.toml": sound})
    done = await shop.push(process=DEAD)
    assert done.plan.release.id == was
    assert shop.half == ""


async def test_it_goes_back_as_well_when_who_rolled_back_is_gone(shop: Pushing) -> None:
    await shop.push(process=DEAD)
    good = shop.current
    shop.write(**{"shared/rollback": "another one"})
    await shop.push(process=DEAD)
    now = shop.current
    broken = f"{shop.layout.release(good)}/config.toml"
    shop.says(f"cp {broken} /tmp/sound && printf 'nonsense = [' > {broken}.new && mv {broken}.new {broken}")
    line = await shop.line(Step.HEALTH, "before")
    going = Rollback(line, shop.layout, HealthPart(shop.layout), Phases(line), lease_s=6.0, guard_after_s=2.0)
    with pytest.raises(FreeholdError, match="a test cut it"):
        await going.carry_out()
    await line.close()
    assert shop.current == good
    async with asyncio.timeout(_WITHIN_S):
        while shop.current != now or '"ok"' not in await asyncio.to_thread(_health, shop):
            await asyncio.sleep(1)
    assert json.loads(shop.health)["release"] == now
    shop.says(f"mv /tmp/sound {broken}")


def _health(shop: Pushing) -> str:
    asking = f"curl -s --max-time 5 --unix-socket {shop.layout.gateway_socket} http://localhost/health || true"
    return shop.says(asking)


async def test_a_push_that_went_well_leaves_no_guard(shop: Pushing) -> None:
    await shop.push(process=DEAD)
    shop.write(**{"shared/x": "another one"})
    await shop.push(process=DEAD)
    assert shop.says(f"systemctl is-active {guard_unit(shop.layout)}.timer || true") == "inactive"


async def test_what_never_gets_well_is_given_up_in_time(shop: Pushing) -> None:
    """The gateway hangs, and does not end."""
    await shop.push(process=DEAD)
    was = shop.current
    unit = f"/etc/systemd/system/{shop.layout.service}.d"
    shop.write(**{"shared/y": "another one", "config.toml": (shop.root / "config.toml").read_text() + "\n# x\n"})
    shop.says(f"mkdir -p {unit}; printf '[Service]\\nExecStart=\\nExecStart=/bin/sleep 1000\\n' > {unit}/t.conf; "
              f"systemctl daemon-reload; rm {shop.layout.root}/started.json")  # fmt: skip
    try:
        with pytest.raises(UnhealthyError, match="does not answer") as caught:
            await shop.push(process=DEAD, timeout_s=3.0)
        assert "is not well either" in caught.value.message  # the unit is spoiled for the release before as well
    finally:
        shop.says(f"rm -r {unit}; systemctl daemon-reload; rm -f {shop.layout.root}/started.json")
    assert shop.current == was
    await shop.push(process=DEAD)
    assert json.loads(shop.health)["release"] == shop.current


async def test_a_full_disk_is_told_and_what_served_goes_on(shop: Pushing) -> None:
    await shop.push(process=DEAD)
    was = shop.current
    releases = shop.layout.releases
    shop.write(**{"shared/big": "x" * 3_000_000})
    # Another file system takes the folder's place: 1 MB, with what was there.
    shop.says(
        f"cp -a {releases} /tmp/kept && mount -t tmpfs -o size=2m tmpfs {releases} && cp -a /tmp/kept/. {releases}"
    )
    try:
        with pytest.raises(FreeholdError, match=r"could not be written|No space left") as caught:
            await shop.push(process=DEAD)
        assert caught.value.exit_code == 1
        assert shop.current == was
        assert json.loads(shop.health)["status"] == "ok"
    finally:
        shop.says(f"umount {releases}; rm -rf /tmp/kept")
    (shop.root / "shared/big").unlink()
    await shop.push(process=DEAD)
    assert shop.half == ""


@pytest.mark.parametrize("ahead_days", [4000, -4000])
async def test_a_clock_that_is_wrong_changes_nothing(shop: Pushing, ahead_days: int) -> None:
    """The laptop's: the order of releases, and who has the lease, are the server's."""
    await shop.push(process=DEAD)
    first = shop.current
    shop.write(**{"shared/clock": f"{ahead_days}"})
    moment = first[:1].replace("0", "7" if ahead_days > 0 else "0") + ("0" * 25)
    await replace(shop, fresh=moment).push(process=DEAD)
    second = shop.current
    assert second > first
    shop.write(**{"shared/clock": "right again"})
    await shop.push(process=DEAD)
    assert shop.current > second
    assert json.loads(shop.health)["release"] == shop.current


@pytest.fixture(scope="module")
def program(shop: Pushing) -> Freehold:
    """The command, and an agent that needs no image."""
    shop.write(**WITHOUT_IMAGE)
    return typed_in(shop)


@pytest.mark.parametrize("at", ["asking the server", "the project's files", "switching", "starting services"])
async def test_a_pusher_that_is_killed_is_in_nobodys_way(shop: Pushing, program: Freehold, at: str) -> None:
    assert program("push", "-E", "hidden").returncode == 0
    shop.write(**{"agents/hello/SKILL.md": f"---\ndescription: {at}\n---\nHi.\n"})
    shop.says(f"rm -f {shop.layout.root}/started.json")
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "push", "-E", "hidden", cwd=shop.root, env=program.environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr
    said = ""
    while at not in said and (line := await process.stderr.readline()):
        said += line.decode()
    process.kill()
    await process.wait()
    assert shop.answers
    again = program("push", "-E", "hidden", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(shop.health)["release"] == json.loads(again.stdout)["environments"][0]["release"]
    assert shop.half == ""


def test_codes_of_failures(shop: Pushing, program: Freehold) -> None:
    assert program("push", "-E", "nowhere").returncode == 1
    shop.write(**{"agents/broken/SKILL.md": SKILL, "agents/broken/config.toml": "timeout = -1\n"})
    done = program("push", "-E", "hidden")
    assert (done.returncode, "agents/broken/config.toml" in done.stderr) == (3, True)

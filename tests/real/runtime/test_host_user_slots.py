"""Each slot's user is its own, whatever an agent does to its home, and whoever else has projects here."""

from __future__ import annotations

import os
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_run_id
from freehold.runtime.host.account import sudo_rule
from freehold.runtime.host.allotment import LENT_UIDS
from freehold.runtime.host.rules import SUDOERS
from tests.support.host_users import HostSite, as_user, host_users, python, sh, uid_of, up

pytestmark = pytest.mark.root

RUN_AS = f"fhp-{os.getpid() % 10000}"
SECOND = f"{RUN_AS}-2"
PROJECT = f"fhp-{os.getpid()}"
HOME = Path("/var/lib", RUN_AS, "own")
CLAIM = Path("/var/tmp/freehold-0/claims", RUN_AS)


@pytest.fixture(scope="module", autouse=True)
def users() -> Iterator[None]:
    with host_users(RUN_AS, 2):
        yield


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[HostSite]:
    made = HostSite(tmp_path / "one", PROJECT, RUN_AS)
    yield made
    await made.close("ops")


@pytest.fixture
async def another(tmp_path: Path) -> AsyncIterator[HostSite]:
    made = HostSite(tmp_path / "two", f"{PROJECT}-b", RUN_AS)
    yield made
    await made.close("ops")


async def who_runs(site: HostSite, agent: str, script: str = "id -u") -> int:
    spec = await site.spec(sh(script), agent=agent)
    result = await site.run(spec)
    assert result.code == 0, result.output
    await site.engine.remove(spec.run_id)
    return int(result.output)


async def test_another_agents_name_in_ones_own_home_brings_nobody(site: HostSite) -> None:
    plant = f"mkdir -p {HOME}/slots/{PROJECT}-ops-0/home && id -u"
    assert await who_runs(site, "dev", plant) == uid_of(RUN_AS)
    assert await who_runs(site, "ops") == uid_of(SECOND)
    assert await who_runs(site, "dev") == uid_of(RUN_AS), "nor does it keep its own agent off"


@pytest.mark.parametrize("hide", ["rm -rf {0}/slots", "chmod 0 {0}/slots", "rm -rf {0}/slots; ln -s /tmp {0}/slots"])
async def test_a_home_that_looks_empty_is_not_free(site: HostSite, another: HostSite, hide: str) -> None:
    assert await who_runs(site, "dev", f"{hide.format(HOME)}; id -u") == uid_of(RUN_AS)
    assert await who_runs(another, "dev") == uid_of(SECOND)
    with pytest.raises(FreeholdError) as caught:
        await who_runs(site, "ops")
    assert caught.value.code is Code.CONFLICT
    assert f"{RUN_AS} is for {PROJECT}-dev-0" in caught.value.message
    assert f"{SECOND} is for agents of another project" in caught.value.message


async def test_a_slot_keeps_its_user_when_the_claims_were_cleared_away(site: HostSite, another: HostSite) -> None:
    assert await who_runs(site, "dev") == uid_of(RUN_AS)
    CLAIM.unlink()  # noqa: ASYNC240  one call
    assert await who_runs(another, "dev") == uid_of(SECOND), "its home tells"
    assert await who_runs(site, "dev") == uid_of(RUN_AS)


async def test_a_home_of_which_we_know_nothing_is_not_ours(site: HostSite) -> None:
    """As the homes are whose slots were made before there were records, or by a project whose state is gone."""
    as_user(RUN_AS, "mkdir", "-p", f"{HOME}/slots/{PROJECT}-dev-0/workspace")
    try:
        assert await who_runs(site, "dev") == uid_of(SECOND)
        with pytest.raises(FreeholdError) as caught:
            await site.spec(("true",), agent="ops")
        assert f"{RUN_AS} is for {PROJECT}-dev-0" in caught.value.message
    finally:
        as_user(RUN_AS, "rm", "-rf", f"{HOME}/slots")


async def test_what_is_given_up_is_gone_however_it_resists(site: HostSite) -> None:
    resist = """
        import os
        os.chdir(os.environ["HOME"])
        os.mkdir("closed")
        open("closed/file", "w").close()
        os.chmod("closed", 0)
        for _ in range(3000):
            os.mkdir("deep")
            os.chdir("deep")
        os.chdir(os.environ["TMPDIR"])
        os.mkdir("closed")
        open("closed/file", "w").close()
        os.chmod("closed", 0)
    """
    spec = await site.spec(python(resist))
    assert (await site.run(spec)).code == 0
    await site.engine.remove(spec.run_id)
    assert os.listdir(HOME) == ["slots"], "the scratch is gone"  # noqa: PTH208
    await site.engine.give_up_workspace(PROJECT, "dev", 0, RUN_AS)
    assert os.listdir(HOME) == []  # noqa: PTH208
    assert await who_runs(site, "ops") == uid_of(RUN_AS), "free for another"


async def test_giving_up_a_slot_does_not_touch_one_that_only_has_its_name(site: HostSite) -> None:
    plant = f"mkdir -p {HOME}/slots/{PROJECT}-ops-0/home; touch $HOME/mine; id -u"
    assert await who_runs(site, "dev", plant) == uid_of(RUN_AS)
    await site.engine.give_up_workspace(PROJECT, "ops", 0, RUN_AS)
    assert (HOME / "slots" / f"{PROJECT}-ops-0").exists()
    assert (HOME / "slots" / f"{PROJECT}-dev-0" / "home" / "mine").exists()


async def test_a_link_in_place_of_its_tmp_leads_nowhere(site: HostSite) -> None:
    """Root mounts it, and only the directory above keeps other users from another run's credentials."""
    secret = await site.spec(("sleep", "60"), agent="ops")
    mine = await site.spec(sh("cat /tmp/token"))
    scratch = f"/var/lib/{SECOND}/own/run-{mine.run_id[-8:]}"
    as_user(SECOND, "mv", scratch, f"{scratch}.old")
    as_user(SECOND, "ln", "-s", str(secret.credentials_dir), scratch)
    with pytest.raises(FreeholdError):
        await site.run(mine)


async def test_a_link_in_place_of_a_runs_directory_leads_no_shell_astray(site: HostSite) -> None:
    secret = await site.spec(("sleep", "60"), agent="ops")
    script = f"""
        mv $TMPDIR $TMPDIR.old; ln -s {secret.credentials_dir} $TMPDIR
        echo up >> $FREEHOLD_RUN_DIR/events.jsonl; exec sleep 60
    """
    mine = await site.spec(sh(script))
    await site.engine.start(mine)
    await up(mine)
    terminal = await site.engine.shell(mine.run_id, sh("cat token"), 80, 24)
    shown = b"".join([data async for data in terminal.output()])
    await terminal.close()
    assert b"s3cret" not in shown


async def test_a_namespace_that_an_agent_made_is_none_that_root_enters(site: HostSite) -> None:
    """A run's first program is its agent's to steer; what root would find there as a program may be the agent's own."""
    first = """
        import ctypes, os, time
        libc = ctypes.CDLL(None)
        assert libc.unshare(0x10000000 | 0x00020000) == 0
        open(os.environ["FREEHOLD_RUN_DIR"] + "/events.jsonl", "a").write(os.readlink("/proc/self/ns/mnt"))
        time.sleep(60)
    """
    spec = await site.spec(python(first))
    await site.engine.start(spec)
    await up(spec)
    terminal = await site.engine.shell(spec.run_id, ("/bin/readlink", "/proc/self/ns/mnt"), 80, 24)
    shown = b"".join([data async for data in terminal.output()]).strip()
    assert await terminal.close() == 0
    assert shown.startswith(b"mnt:")
    assert shown != (spec.mount / "events.jsonl").read_bytes()


async def test_users_that_a_person_can_be_are_not_taken_for_roots_runs(site: HostSite) -> None:
    rule = SUDOERS / f"freehold-nobody-{RUN_AS}"
    rule.write_text(sudo_rule("nobody", [RUN_AS]))
    rule.chmod(0o440)
    try:
        assert await who_runs(site, "dev") == uid_of(SECOND)
        with pytest.raises(FreeholdError) as caught:
            await site.spec(("true",), agent="ops")
        assert f"{RUN_AS} is for nobody" in caught.value.message
    finally:
        rule.unlink()


def of_one_number() -> tuple[str, str]:
    """Two agents whose slots come to the same number, which whoever names an agent can choose."""
    seen: dict[int, str] = {}
    for number in range(100_000):
        agent = f"agent-{number}"
        came_to = zlib.crc32(f"{PROJECT}-{agent}-0".encode()) % LENT_UIDS
        if came_to in seen:
            return seen[came_to], agent
        seen[came_to] = agent
    raise AssertionError


async def test_no_two_slots_are_lent_one_number(site: HostSite) -> None:
    agents = of_one_number()
    lent = []
    for agent in (*agents, *agents):
        run_id = new_run_id(agent)
        place = await site.engine.place(run_id, PROJECT, agent, 0, run_as="fhp-nobody", as_caller=True)
        lent.append(place.uid)
        await site.engine.remove(run_id)
    assert lent[0] != lent[1]
    assert lent[:2] == lent[2:]
    for agent in agents:
        await site.engine.give_up_workspace(PROJECT, agent, 0, "fhp-nobody")

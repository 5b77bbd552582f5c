"""What a run as another user can see, reach and leave behind. The users are made here, by what `doctor --fix` does."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_run_id
from freehold.base.sockets import listen_unix
from freehold.runtime.engine import Network, RunSpec
from freehold.runtime.host.launcher import processes_of
from freehold.runtime.host.setup import Wanted, fix
from freehold.runtime.host.watched import Watched
from tests.support.host_users import HostSite, host_users, python, sh, uid_of, up

pytestmark = pytest.mark.root

RUN_AS = f"fht-{os.getpid() % 10000}"
USERS = [RUN_AS, f"{RUN_AS}-2"]
PROJECT = f"fhh-{os.getpid()}"
PROBE = (Path(__file__).parent / "probe.py").read_text()


@pytest.fixture(scope="module", autouse=True)
def users() -> Iterator[None]:
    with host_users(RUN_AS, 2):
        yield


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[HostSite]:
    made = HostSite(tmp_path, PROJECT, RUN_AS)
    yield made
    await made.close()


async def test_a_run_from_inside(site: HostSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FREEHOLD_CANARY", "operators-secret")
    asked = await site.spec(("true",))
    gate = asked.mount.parent
    looked_at = {
        "directories": [str(asked.mount), str(asked.agent_dir), str(gate), "/tmp", "/etc", str(site.base)],
        "files": [str(asked.mount / name) for name in ("run.sock", "prompt.json", "events.jsonl")],
        "read": [str(asked.credentials_dir / "token"), str(asked.agent_dir / "SKILL.md"), str(site.state)],
        "reach": [["169.254.169.254", 80], ["1.1.1.1", 443], ["deb.debian.org", 80]],
    }
    command = ("/usr/bin/python3", "-I", "-c", PROBE, json.dumps(looked_at))
    spec = RunSpec(**{**vars(asked), "command": command})
    listener = listen_unix(spec.mount / "run.sock", 0o666)
    answering = asyncio.create_task(_greet(listener))
    result = await site.run(spec)
    answering.cancel()
    await asyncio.gather(answering, return_exceptions=True)
    listener.close()
    assert result.code == 0, result.output
    facts = json.loads((spec.mount / "events.jsonl").read_text())

    assert facts["uid"] == uid_of(RUN_AS)
    assert facts["capabilities"] == ["0" * 16] * 5
    assert facts["no_new_privileges"] == "1"
    assert facts["oom_score_adjustment"] == "500", "short of memory, the machine ends a run rather than its keeper"
    assert facts["interfaces"] == ["lo"]
    assert all("unreachable" in answer or "resolution" in answer for answer in facts["reach"].values()), facts["reach"]
    assert facts["socket"] == "hello"
    assert {path for path, answer in facts["writable"].items() if answer is True} == {"/tmp"}
    assert True not in facts["replaceable"].values()
    assert list(facts["readable"].values()) == [True, True, False]
    assert set(facts["environment"]) == {
        "FREEHOLD_RUN_DIR", "PATH", "HOME", "TMPDIR", "LANG", "USER", "LOGNAME", "XDG_CACHE_HOME", "PIP_CACHE_DIR",
        "NPM_CONFIG_CACHE", "LC_CTYPE",
    } - ({"LC_CTYPE"} - set(facts["environment"]))  # fmt: skip
    assert "operators-secret" not in json.dumps(facts)
    assert "s3cret" not in json.dumps(facts["programs"])


async def _greet(listener: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        connection, _ = await loop.sock_accept(listener)
        await loop.sock_sendall(connection, b"hello")
        connection.close()


@pytest.fixture
def in_tmp() -> Iterator[Path]:
    """A directory in the host's /tmp that everybody can write to."""
    made = Path(f"/tmp/{PROJECT}")
    made.mkdir()
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


ADD_KEY, KEYCTL, JOIN, SEARCH, SESSION = 248, 250, 1, 10, -3
"""Of x86-64 (keyctl(2), linux/keyctl.h)."""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers of these calls are of x86-64")
async def test_the_keepers_keyring_is_not_the_runs(site: HostSite) -> None:
    libc = ctypes.CDLL(None)
    assert libc.syscall(KEYCTL, JOIN, None) > 0
    assert libc.syscall(ADD_KEY, b"user", PROJECT.encode(), b"s3cret", 6, SESSION) > 0
    look = f"""
        import ctypes
        print(ctypes.CDLL(None).syscall({KEYCTL}, {SEARCH}, {SESSION}, b"user", b"{PROJECT}", 0))
    """
    here = await asyncio.create_subprocess_exec(*python(look), stdout=subprocess.PIPE)
    assert int((await here.communicate())[0]) > 0
    assert (await site.run(await site.spec(python(look)))).output == "-1\n"


@pytest.fixture
def bus() -> Iterator[Path]:
    """A socket where D-Bus and systemd listen, and everybody may talk to them."""
    place = Path("/run/user")
    had_one = place.is_dir()
    place.mkdir(exist_ok=True)
    folder = place / PROJECT
    folder.mkdir()
    listener = listen_unix(folder / "bus", 0o666)
    yield folder / "bus"
    listener.close()
    shutil.rmtree(folder if had_one else place)


@pytest.mark.parametrize("network", list(Network))
async def test_who_starts_programs_for_everybody_is_out_of_its_sight(
    site: HostSite, bus: Path, network: Network
) -> None:
    ask = python("import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])", str(bus))
    result = await site.run(await site.spec(ask, network=network))
    assert "FileNotFoundError" in result.output
    as_anybody = ["setpriv", f"--reuid={RUN_AS}", f"--regid={RUN_AS}", "--clear-groups", *ask]
    outside = await asyncio.create_subprocess_exec(*as_anybody)
    assert await outside.wait() == 0


async def test_its_tmp_is_its_own(site: HostSite, in_tmp: Path) -> None:
    assert (
        await site.run(await site.spec(sh(f"test ! -e {in_tmp} && mkdir {in_tmp} && touch {in_tmp}/mine")))
    ).code == 0
    assert os.listdir(in_tmp) == []  # noqa: PTH208


async def test_nobody_else_can_read_what_it_is_given(site: HostSite) -> None:
    spec = await site.spec(("sleep", "60"))
    await site.engine.start(spec)
    for path in (spec.credentials_dir / "token", spec.agent_dir / "SKILL.md", spec.mount / "prompt.json"):
        other = ["setpriv", f"--reuid={uid_of(USERS[1])}", "--clear-groups", "cat", str(path)]
        read = await asyncio.create_subprocess_exec(*other, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        assert await read.wait() != 0, path
        assert path.read_text(), "the keeper can"


async def test_open_is_the_hosts_network(site: HostSite) -> None:
    script = 'test "$(readlink /proc/self/ns/net)" = "$0"'
    ours = os.readlink("/proc/self/ns/net")  # noqa: PTH115
    opened = await site.spec(("/bin/sh", "-c", script, ours), network=Network.OPEN)
    assert (await site.run(opened)).code == 0
    await site.engine.remove(opened.run_id)
    assert (await site.run(await site.spec(("/bin/sh", "-c", script, ours)))).code == 1


async def test_nothing_of_a_run_outlives_it(site: HostSite) -> None:
    script = """
        trap '' TERM
        for i in 1 2 3; do (setsid sh -c 'trap "" TERM HUP; while :; do sleep 1; done' &) & done
        sleep 0.3
        echo done
    """
    result = await site.run(await site.spec(sh(script)))
    assert (result.code, result.output) == (0, "done\n")
    assert processes_of(uid_of(RUN_AS)) == []


async def test_a_kill_reaches_what_hides(site: HostSite) -> None:
    hide = (
        "setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' & echo up >> $FREEHOLD_RUN_DIR/events.jsonl; sleep 60"
    )
    spec = await site.spec(sh(hide))
    await site.engine.start(spec)
    await up(spec)
    assert len(processes_of(uid_of(RUN_AS))) >= 2
    await site.engine.kill(spec.run_id)
    assert (await site.engine.wait(spec.run_id)).code == 137
    assert processes_of(uid_of(RUN_AS)) == []


async def test_a_process_that_forbids_to_be_looked_at_is_seen_and_ended(site: HostSite) -> None:
    script = """
import ctypes, os, signal, time
if os.fork():
    time.sleep(0.5)
else:
    os.setsid()
    ctypes.CDLL(None).prctl(4, 0)
    open(os.environ["FREEHOLD_RUN_DIR"] + "/events.jsonl", "a").write("up\\n")
    time.sleep(60)
"""
    spec = await site.spec(("/usr/bin/python3", "-c", script))
    await site.engine.start(spec)
    await up(spec)
    assert len(processes_of(uid_of(RUN_AS))) >= 1
    assert (await asyncio.wait_for(site.engine.wait(spec.run_id), 30)).code == 0
    assert processes_of(uid_of(RUN_AS)) == []


async def test_a_supervisor_that_is_killed_takes_the_run_with_it(site: HostSite) -> None:
    spec = await site.spec(sh("echo up >> $FREEHOLD_RUN_DIR/events.jsonl; setsid sleep 60 & sleep 60"))
    await site.engine.start(spec)
    await up(spec)
    watched = Watched.load(site.state / "host-user" / spec.run_id)
    assert watched is not None
    os.kill(watched.supervisor, signal.SIGKILL)
    result = await asyncio.wait_for(site.engine.wait(spec.run_id), 30)
    assert result.code == 137
    assert "supervisor" in result.output
    assert processes_of(uid_of(RUN_AS)) == []
    assert await site.engine.wait(spec.run_id) == result


async def test_a_process_that_has_its_number_by_chance_is_left_alone(site: HostSite) -> None:
    spec = await site.spec(("true",))
    await site.run(spec)
    folder = site.state / "host-user" / spec.run_id
    (folder / "exit.json").unlink()
    state = json.loads((folder / "state.json").read_text())
    bystander = await asyncio.create_subprocess_exec("sleep", "60")
    (folder / "state.json").write_text(json.dumps({**state, "supervisor": bystander.pid}))
    assert [found.running for found in await site.engine.find(PROJECT)] == [False]
    await site.engine.kill(spec.run_id)
    assert (await asyncio.wait_for(site.engine.wait(spec.run_id), 30)).code == 137
    assert bystander.returncode is None
    bystander.kill()
    assert await bystander.wait() == -9


async def test_it_outlives_a_keeper_that_is_killed(site: HostSite) -> None:
    spec = await site.spec(sh("echo up >> $FREEHOLD_RUN_DIR/events.jsonl; sleep 60"))
    keeper = """
        import asyncio, os, pickle, signal, sys
        from freehold.base.clock import SystemClock
        from freehold.runtime.host_user import HostUserEngine
        spec, state = pickle.load(sys.stdin.buffer)
        asyncio.run(HostUserEngine(SystemClock(), state).start(spec))
        os.killpg(0, signal.SIGKILL)
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(keeper), stdin=subprocess.PIPE, start_new_session=True
    )
    await process.communicate(pickle.dumps((spec, site.state)))
    assert process.returncode == -9
    await up(spec)
    assert [found.running for found in await site.engine.find(PROJECT)] == [True]
    await site.engine.kill(spec.run_id, grace_s=20)
    assert (await site.engine.wait(spec.run_id)).code == 143


async def test_what_is_in_the_workspace_is_kept_for_the_slot_and_its_tmp_is_not(site: HostSite) -> None:
    first = await site.spec(sh("cd $HOME/../workspace && echo kept > note; echo gone > $TMPDIR/note"))
    assert (await site.run(first)).code == 0
    await site.engine.remove(first.run_id)
    second = await site.spec(sh("grep -q kept $HOME/../workspace/note && test ! -e /tmp/note"))
    assert (await site.run(second)).code == 0


async def test_each_slot_has_a_user_of_its_own_for_good(site: HostSite) -> None:
    first, second = await site.spec(("id", "-u")), await site.spec(("id", "-u"), slot=1)
    with pytest.raises(FreeholdError) as caught:
        await site.spec(("true",), slot=2)
    assert caught.value.code is Code.CONFLICT
    assert "doctor --fix" in caught.value.hint
    assert (await site.run(second)).output.strip() == str(uid_of(USERS[1]))
    assert (await site.run(first)).output.strip() == str(uid_of(USERS[0]))
    for spec in (first, second):
        await site.engine.remove(spec.run_id)
    assert (await site.run(await site.spec(("id", "-u"), slot=1))).output.strip() == str(uid_of(USERS[1]))
    await site.engine.give_up_workspace(PROJECT, "dev", 0, RUN_AS)
    assert (await site.run(await site.spec(("id", "-u"), slot=2))).output.strip() == str(uid_of(USERS[0]))


async def test_one_run_at_a_time_for_each_user(site: HostSite) -> None:
    first, second = await site.spec(("sleep", "60")), await site.spec(("true",))
    await site.engine.start(first)
    with pytest.raises(FreeholdError) as caught:
        await site.engine.start(second)
    assert caught.value.code is Code.CONFLICT
    await site.engine.remove(first.run_id)
    assert (await site.run(second)).code == 0


async def test_a_user_who_is_busy_otherwise_is_not_taken(site: HostSite) -> None:
    spec = await site.spec(("true",))
    other = await asyncio.create_subprocess_exec(
        "setpriv", f"--reuid={uid_of(RUN_AS)}", "--clear-groups", "sleep", "60"
    )
    async with asyncio.timeout(30):
        while not processes_of(uid_of(RUN_AS)):
            await asyncio.sleep(0.02)
    with pytest.raises(FreeholdError) as caught:
        await site.engine.start(spec)
    assert caught.value.code is Code.CONFLICT
    assert str(other.pid) in caught.value.message
    other.kill()
    await other.wait()


async def test_a_flood_on_the_standard_streams_is_bounded(site: HostSite) -> None:
    result = await site.run(
        await site.spec(sh("head -c 8000000 /dev/zero | tr '\\0' x; echo; echo last words; exit 4"))
    )
    assert result.code == 4
    assert result.output.endswith("last words\n")
    assert len(result.output) <= 4096


async def test_more_processes_than_allowed_are_refused(site: HostSite) -> None:
    script = """
import os, sys, time
for _ in range(1100):
    try:
        if os.fork() == 0:
            time.sleep(30)
    except OSError:
        sys.exit(9)
"""
    assert (await site.run(await site.spec(("/usr/bin/python3", "-c", script)))).code == 9
    assert processes_of(uid_of(RUN_AS)) == []


async def test_after_remove_no_directory_of_it_is_left(site: HostSite) -> None:
    spec = await site.spec(("sleep", "60"))
    await site.engine.start(spec)
    await site.engine.remove(spec.run_id)
    never_started = await site.spec(("true",))
    await site.engine.remove(never_started.run_id)
    for one in (spec, never_started):
        for path in (one.mount.parent, one.credentials_dir.parent, site.state / "host-user" / one.run_id):
            assert not path.exists()
    assert os.listdir(f"/var/lib/{RUN_AS}/own") == ["slots"]  # noqa: PTH208


async def test_an_agent_puts_nothing_into_its_home_that_lets_anybody_in(site: HostSite) -> None:
    """sshd heeds .ssh/authorized_keys, and forwards ports for a user without a login shell too."""
    home = f"/var/lib/{RUN_AS}"
    script = f"mkdir {home}/.ssh; touch {home}/.forward; mv {home}/own {home}/other; true"
    assert (await site.run(await site.spec(sh(script)))).code == 0
    assert os.listdir(home) == ["own"]  # noqa: PTH208


async def test_a_user_whose_home_is_its_own_runs_nothing_until_doctor_was_there(site: HostSite) -> None:
    home = Path(f"/var/lib/{RUN_AS}")
    os.chown(home, uid_of(RUN_AS), -1)
    with pytest.raises(FreeholdError) as caught:
        await site.spec(("true",))
    assert caught.value.code is Code.CONFIG
    assert str(home) in caught.value.message
    await fix(Wanted(RUN_AS, 2, "root"))
    assert (await site.run(await site.spec(("true",)))).code == 0


async def test_without_a_user_the_error_names_the_command(site: HostSite) -> None:
    with pytest.raises(FreeholdError) as caught:
        await site.engine.place(new_run_id("dev"), PROJECT, "dev", 0, run_as="fht-nobody")
    assert caught.value.code is Code.CONFIG
    assert "fht-nobody" in caught.value.message
    assert caught.value.hint.endswith("freehold doctor --fix")


async def test_the_users_are_found_ready(site: HostSite) -> None:
    readiness = await site.engine.check(RUN_AS)
    assert readiness.ready, readiness

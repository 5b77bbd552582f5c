"""A run of another user ends for good, whatever it does against it: it hunts who comes to end it, or forks for ever."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from freehold.runtime.engine import Network, RunSpec
from freehold.runtime.host import launcher
from freehold.runtime.host.launcher import PROCESSES, processes_of
from freehold.runtime.host.talk import ask
from freehold.runtime.host.watched import Watched
from tests.support.host_users import HostSite, host_users, python, sh, uid_of, up

pytestmark = pytest.mark.root

RUN_AS = f"fhe-{os.getpid() % 10000}"
PROJECT = f"fhe-{os.getpid()}"

HUNTERS = """
    import os, signal, sys, time

    def hunt(ours):
        while True:
            for name in filter(str.isdigit, os.listdir("/proc")):
                try:
                    if os.getsid(int(name)) != ours:
                        os.kill(int(name), signal.SIGKILL)
                except OSError:
                    pass

    if os.fork() == 0:
        os.setsid()
        for _ in range(2):
            os.fork()
        open(os.environ["FREEHOLD_RUN_DIR"] + "/events.jsonl", "a").write("up")
        hunt(os.getsid(0))
    time.sleep(60)
"""
BOMB = """
    import os, signal, time

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork():
        time.sleep(%r)
        os._exit(0)
    os.setsid()
    full = False
    while True:
        try:
            os.fork()
        except OSError:
            if not full:
                full = True
                open(os.environ["FREEHOLD_RUN_DIR"] + "/events.jsonl", "a").write("full")
            time.sleep(0.02)
"""


@pytest.fixture(scope="module", autouse=True)
def users() -> Iterator[None]:
    with host_users(RUN_AS, 1):
        yield


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[HostSite]:
    made = HostSite(tmp_path, PROJECT, RUN_AS)
    yield made
    await made.close()


def left() -> list[int]:
    return processes_of(uid_of(RUN_AS))


async def test_who_comes_to_end_it_cannot_be_ended_by_it(site: HostSite) -> None:
    spec = await site.spec(python(HUNTERS))
    await site.engine.start(spec)
    await up(spec)
    await site.engine.kill(spec.run_id)
    result = await asyncio.wait_for(site.engine.wait(spec.run_id), 60)
    assert result.code == 137
    assert "left" not in result.output
    assert left() == []


async def test_what_hunts_ends_with_the_runs_first_program(site: HostSite) -> None:
    hunting = (
        HUNTERS.replace("!= ours", "not in (ours, first)")
        .replace("def hunt", "first = os.getsid(0)\n    def hunt")
        .replace("time.sleep(60)", "time.sleep(1)")
    )
    result = await site.run(await site.spec(python(hunting)))
    assert (result.code, result.output) == (0, "")
    assert left() == []


async def test_without_a_pid_namespace_root_ends_what_hunts_all_the_same() -> None:
    """As where the kernel gives none: the hunters are on the host, where they could kill any process of their user."""
    hunting = textwrap.dedent(HUNTERS).replace('os.environ["FREEHOLD_RUN_DIR"] + "/events.jsonl"', "1")
    become = ("setpriv", f"--reuid={RUN_AS}", f"--regid={RUN_AS}", "--clear-groups", "--no-new-privs")
    hunters = await asyncio.create_subprocess_exec(
        *become, "/usr/bin/python3", "-c", hunting, stdout=asyncio.subprocess.PIPE, cwd="/", start_new_session=True
    )
    assert hunters.stdout is not None
    assert await asyncio.wait_for(hunters.stdout.readexactly(2), 30) == b"up"
    uid = uid_of(RUN_AS)
    told = {"do": "end", "account": {"uid": uid, "gid": uid}, "home": f"/var/lib/{RUN_AS}/own", "scratch": "run-none"}
    answer = await ask((sys.executable, "-I", "-S", launcher.__file__), told, "They could not be ended")
    assert answer == {"ok": True, "left": []}
    await hunters.wait()
    assert left() == []


@pytest.mark.parametrize("grace_s", [0, 0.2])
async def test_a_fork_bomb_is_bounded_and_ended_by_a_kill(site: HostSite, grace_s: float) -> None:
    spec = await site.spec(python(BOMB % 600))
    await site.engine.start(spec)
    await up(spec)
    assert PROCESSES // 2 < len(left()) <= PROCESSES
    await site.engine.kill(spec.run_id, grace_s)
    assert (await asyncio.wait_for(site.engine.wait(spec.run_id), 60)).code == 137
    assert left() == []


async def test_a_fork_bomb_ends_with_the_runs_first_program(site: HostSite) -> None:
    result = await site.run(await site.spec(python(BOMB % 1)))
    assert (result.code, result.output) == (0, "")
    assert left() == []


async def test_the_next_keeper_finds_and_ends_a_fork_bomb(site: HostSite) -> None:
    spec = await site.spec(python(BOMB % 600))
    await site.engine.start(spec)
    await up(spec)
    next_keepers = HostSite(site.base, PROJECT, RUN_AS).engine
    assert [found.running for found in await next_keepers.find(PROJECT)] == [True]
    await next_keepers.kill(spec.run_id)
    assert (await asyncio.wait_for(next_keepers.wait(spec.run_id), 60)).code == 137
    assert left() == []


async def test_a_fork_bomb_ends_with_its_supervisor(site: HostSite) -> None:
    spec = await site.spec(python(BOMB % 600))
    await site.engine.start(spec)
    await up(spec)
    watched = Watched.load(site.state / "host-user" / spec.run_id)
    assert watched is not None
    os.kill(watched.supervisor, signal.SIGKILL)
    result = await asyncio.wait_for(site.engine.wait(spec.run_id), 60)
    assert result.code == 137
    assert "supervisor" in result.output
    assert left() == []


async def test_it_sees_no_process_but_its_own(site: HostSite) -> None:
    script = 'ls /proc | grep "^[0-9]"; echo me $$; kill -9 1; kill -9 -1; echo still here'
    result = await site.run(await site.spec(sh(script)))
    seen, _, rest = result.output.partition("me ")
    assert set(seen.split()) <= {"1", "2", "3", "4"}
    assert rest.split("\n")[0] == "2"
    assert result.code == 0, "PID 1 is none of its own"


@pytest.mark.parametrize("network", [Network.ALLOWLIST, Network.OPEN])
async def test_it_is_not_pid_1_by_which_a_runner_knows_a_container(site: HostSite, network: Network) -> None:
    script = sh("test $$ != 1 && readlink /proc/self/ns/pid /proc/self/ns/ipc")
    result = await site.run(await site.spec(script, network=network))
    ours = [os.readlink(f"/proc/self/ns/{kind}") for kind in ("pid", "ipc")]  # noqa: PTH115
    assert result.code == 0
    assert set(result.output.split()).isdisjoint(ours)


async def test_exit_codes_and_the_last_words_come_through(site: HostSite) -> None:
    for script, code in (("echo out; echo err >&2; exit 3", 3), ("kill -9 $$", 137), ("kill -15 $$", 143)):
        spec = await site.spec(sh(script))
        assert (await site.run(spec)).code == code
        await site.engine.remove(spec.run_id)


async def test_sigterm_reaches_the_first_program_alone(site: HostSite) -> None:
    script = """
        trap 'echo child >> $FREEHOLD_RUN_DIR/events.jsonl' TERM
        (trap 'echo child >> $FREEHOLD_RUN_DIR/events.jsonl' TERM; while :; do sleep 0.05; done) &
        trap 'echo first; exit 143' TERM
        echo up >> $FREEHOLD_RUN_DIR/events.jsonl
        while :; do sleep 0.05; done
    """
    spec = await site.spec(sh(script))
    await site.engine.start(spec)
    await up(spec)
    await site.engine.kill(spec.run_id, grace_s=20)
    result = await site.engine.wait(spec.run_id)
    assert (result.code, result.output) == (143, "first\n")
    assert (spec.mount / "events.jsonl").read_text() == "up\n"


async def shown_by(site: HostSite, spec: RunSpec, *command: str) -> bytes:
    terminal = await site.engine.shell(spec.run_id, command, 80, 24)
    shown = b""
    async with asyncio.timeout(30):
        async for data in terminal.output():
            shown += data
    await terminal.close()
    return shown


async def test_a_shell_is_in_the_runs_namespaces_as_its_user_and_within_its_limits(site: HostSite) -> None:
    spec = await site.spec(sh("echo up >> $FREEHOLD_RUN_DIR/events.jsonl; exec sleep 60"))
    await site.engine.start(spec)
    await up(spec)
    script = "id -u; ulimit -c; ulimit -p; cat /proc/2/comm; grep -E 'Cap(Eff|Bnd)|NoNew' /proc/self/status; pwd"
    lines = (await shown_by(site, spec, "/bin/sh", "-c", script)).decode().replace("\r", "").splitlines()
    assert lines == [
        str(uid_of(RUN_AS)), "0", str(PROCESSES), "sleep", "CapEff:\t" + "0" * 16, "CapBnd:\t" + "0" * 16,
        "NoNewPrivs:\t1", f"/var/lib/{RUN_AS}/own/run-{spec.run_id[-8:]}",
    ]  # fmt: skip


async def test_what_is_typed_in_a_shell_interrupts_its_command(site: HostSite) -> None:
    spec = await site.spec(sh("echo up >> $FREEHOLD_RUN_DIR/events.jsonl; exec sleep 60"))
    await site.engine.start(spec)
    await up(spec)
    terminal = await site.engine.shell(spec.run_id, sh("echo ready; exec sleep 60"), 80, 24)
    async with asyncio.timeout(30):
        async for data in terminal.output():
            if b"ready" in data:
                await terminal.send(b"\x03")
    assert await terminal.close() == 130


async def test_a_terminal_that_is_closed_leaves_no_command(site: HostSite) -> None:
    spec = await site.spec(sh("echo up >> $FREEHOLD_RUN_DIR/events.jsonl; exec sleep 60"))
    await site.engine.start(spec)
    await up(spec)
    before = set(left())
    terminal = await site.engine.shell(spec.run_id, ("/bin/cat",), 80, 24)
    await terminal.send(b"hello\n")
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(30):
            async for data in terminal.output():
                if b"hello" in data:
                    break
    await terminal.close()
    async with asyncio.timeout(30):
        while set(left()) != before:
            await asyncio.sleep(0.02)

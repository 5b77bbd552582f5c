"""Run by `test_host_user_sudo.py` as a user who is not root: everything that a keeper does with a run, by sudo.

Arguments: where our packages lie, where a project does, the runs' user, and which of the steps to leave out.

Its packages lie in its private home, so that it has to copy them for the run's user first.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

library, base, run_as, *without = sys.argv[1:]
sys.path.insert(0, library)

from freehold.base.clock import SystemClock  # noqa: E402
from freehold.base.errors import Code, FreeholdError  # noqa: E402
from freehold.base.ids import new_run_id  # noqa: E402
from freehold.runtime.engine import Network, RunSpec  # noqa: E402
from freehold.runtime.host_user import HostUserEngine  # noqa: E402
from freehold.runtime.run_directory import RunDirectory  # noqa: E402

PROJECT = f"fhs-{os.getuid()}"
engine = HostUserEngine(SystemClock(), Path(base) / "state")


async def spec(script: str, network: Network = Network.ALLOWLIST) -> RunSpec:
    run_id = new_run_id("dev")
    place = await engine.place(run_id, PROJECT, "dev", 0, run_as=run_as)
    directory = RunDirectory(Path(base) / "runs" / run_id, place)
    agent = Path(base) / "agents" / "dev"
    agent.mkdir(parents=True, exist_ok=True)
    (agent / "SKILL.md").write_text("Be kind.")
    directory.snapshot(agent, None)
    token = directory.make_credentials_directory() / "token"
    token.write_text("s3cret")
    token.chmod(0o444)
    return RunSpec(
        run_id=run_id, project=PROJECT, agent="dev", attempt=1, slot=0, image="", mount=directory.mount,
        agent_dir=directory.agent, credentials_dir=directory.credentials, shared_dir=None, network=network,
        memory_bytes=0, cpus=1.0, timeout_s=60, started_at="2026-11-21T09:00:00.000Z",
        command=("/bin/sh", "-c", script), run_as=run_as,
    )  # fmt: skip


async def up(one: RunSpec) -> None:
    async with asyncio.timeout(30):
        while not (one.mount / "events.jsonl").read_bytes():
            await asyncio.sleep(0.02)


async def ready() -> None:
    readiness = await engine.check(run_as)
    assert readiness.ready, readiness


async def ends() -> None:
    one = await spec('cat "$0"; id -un; exit 3')
    one = RunSpec(**{**vars(one), "command": (*one.command, str(one.credentials_dir / "token"))})
    await engine.start(one)
    result = await asyncio.wait_for(engine.wait(one.run_id), 60)
    assert (result.code, result.output) == (3, f"s3cret{run_as}\n"), result
    await engine.remove(one.run_id)


async def is_alone() -> None:
    one = await spec(
        "cut -d: -f1 /proc/self/net/dev | grep -c . ; grep CapEff /proc/self/status; grep NoNew /proc/self/status"
    )
    await engine.start(one)
    result = await asyncio.wait_for(engine.wait(one.run_id), 60)
    assert "CapEff:\t0000000000000000\nNoNewPrivs:\t1\n" in result.output, result
    assert result.output.startswith("3\n"), "two lines of heading and lo"
    await engine.remove(one.run_id)


async def is_killed(script: str, grace_s: float, code: int) -> None:
    one = await spec(f"{script}; echo up >> $FREEHOLD_RUN_DIR/events.jsonl; while :; do sleep 0.05; done")
    await engine.start(one)
    await up(one)
    await engine.kill(one.run_id, grace_s)
    result = await asyncio.wait_for(engine.wait(one.run_id), 60)
    assert result.code == code, result
    await engine.remove(one.run_id)


async def is_killed_at_once() -> None:
    await is_killed("trap '' TERM; (setsid sleep 60 &)", 0, 137)


async def ends_itself() -> None:
    await is_killed("trap 'exit 143' TERM", 20, 143)


async def is_killed_in_the_end() -> None:
    await is_killed("trap '' TERM", 1, 137)


HUNTERS = """
import os, signal, time
if os.fork() == 0:
    os.setsid()
    os.fork()
    while True:
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.getsid(int(name)) != os.getsid(0):
                    os.kill(int(name), signal.SIGKILL)
            except OSError:
                pass
time.sleep(60)
"""


async def cannot_end_who_ends_it() -> None:
    one = await spec("")
    program = (
        sys.executable,
        "-c",
        HUNTERS.replace(
            "os.setsid()", "os.setsid(); open(os.environ['FREEHOLD_RUN_DIR'] + '/events.jsonl', 'a').write('up')"
        ),
    )
    await engine.start(RunSpec(**{**vars(one), "command": program}))
    await up(one)
    await engine.kill(one.run_id)
    result = await asyncio.wait_for(engine.wait(one.run_id), 60)
    assert result.code == 137, result
    assert "left" not in result.output, result
    await engine.remove(one.run_id)


async def ends_with_its_supervisor() -> None:
    one = await spec("(setsid sleep 60 &) ; echo up >> $FREEHOLD_RUN_DIR/events.jsonl; sleep 60")
    await engine.start(one)
    await up(one)
    state = json.loads((Path(base) / "state" / "host-user" / one.run_id / "state.json").read_text())
    os.kill(state["supervisor"], signal.SIGKILL)
    result = await asyncio.wait_for(engine.wait(one.run_id), 60)
    assert result.code == 137, result
    assert "supervisor" in result.output, result
    await engine.remove(one.run_id)
    again = await spec("true")  # it would be refused while anything is left
    await engine.start(again)
    assert (await asyncio.wait_for(engine.wait(again.run_id), 60)).code == 0
    await engine.remove(again.run_id)


async def sees_its_own_processes_only() -> None:
    one = await spec("echo $$; ls /proc | grep -c '^[0-9]'")
    await engine.start(one)
    result = await asyncio.wait_for(engine.wait(one.run_id), 60)
    number, seen = result.output.split()
    assert number == "2", result
    assert int(seen) <= 4, result
    await engine.remove(one.run_id)


async def has_a_shell() -> None:
    one = await spec("sleep 60")
    await engine.start(one)
    terminal = await engine.shell(one.run_id, ("/bin/cat",), 80, 24)
    await terminal.send(b"hello\n")
    shown = b""
    async with asyncio.timeout(30):
        async for data in terminal.output():
            shown += data
            if b"hello" in shown:
                break
    await terminal.close()
    assert b'"do"' not in shown, "what the launcher is told is not shown"
    await engine.remove(one.run_id)


async def has_only_programs_that_exist() -> None:
    one = await spec("true")
    try:
        await engine.start(RunSpec(**{**vars(one), "command": ("/no/such/program",)}))
    except FreeholdError as error:
        refusal = error
    assert refusal.code is Code.FAILED, "it was refused"
    assert "no such program" in refusal.message, refusal.message
    await engine.remove(one.run_id)


async def gives_up() -> None:
    await engine.give_up_workspace(PROJECT, "dev", 0, run_as)


STEPS: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = (
    ready, ends, is_alone, is_killed_at_once, ends_itself, is_killed_in_the_end, cannot_end_who_ends_it,
    ends_with_its_supervisor, sees_its_own_processes_only, has_a_shell, has_only_programs_that_exist, gives_up,
)  # fmt: skip


async def main() -> None:
    done = {}
    for step in [step for step in STEPS if step.__name__ not in without]:
        try:
            await step()
            done[step.__name__] = ""
        except (AssertionError, FreeholdError, TimeoutError, OSError) as error:
            done[step.__name__] = f"{type(error).__name__}: {error} {getattr(error, 'hint', '')}"
    print(json.dumps(done))  # noqa: T201


asyncio.run(main())

"""A Python that is kept open keeps the promises of one that is started for each program."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.hosts.host import LARGEST_OUTPUT, PROGRAM, Command, Outcome
from freehold.hosts.local_host import LocalHost
from freehold.hosts.process_host import Spawned
from freehold.hosts.script import run_script


class Kept(LocalHost):
    """This machine, with a Python that is kept; `began` are the programs that were begun."""

    keeps_python = True

    def __init__(self) -> None:
        super().__init__()
        self.began: list[str] = []

    async def spawn(self, argv: Sequence[str]) -> Spawned:
        self.began.append(argv[0])
        return await super().spawn(argv)


@pytest.fixture
async def host() -> AsyncIterator[Kept]:
    host = Kept()
    yield host
    await host.close()


def program(text: str, timeout_s: float = 30.0) -> Command:
    return Command((*PROGRAM, "it"), text.encode(), timeout_s)


async def test_one_python_for_all_programs(host: Kept) -> None:
    outcomes = await asyncio.gather(*(host.run(program(f"print({number})")) for number in range(20)))
    assert [outcome.text for outcome in outcomes] == [str(number) for number in range(20)]
    assert host.began == ["python3"]


@pytest.mark.parametrize(
    ("text", "status", "complaint"),
    [
        ("print('said')", 0, "said"),
        ("import sys; sys.exit(97)", 97, ""),
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit('words')", 1, "words"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero"),
        ("x = (", 1, "SyntaxError: '(' was never closed"),
        ("import os; os.kill(os.getpid(), 15)", 128 + 15, ""),
        ("import sys; print(sys.argv[1:], __name__, sys.stdin.read() == '')", 0, "['it'] __main__ True"),
    ],
)
async def test_it_ends_as_a_python_of_its_own(host: Kept, text: str, status: int, complaint: str) -> None:
    outcome = await host.run(program(text))
    assert (outcome.status, outcome.complaint) == (status, complaint)
    plain = await LocalHost().run(program(text))
    assert (plain.status, plain.complaint) == (status, complaint)


async def test_nothing_is_left_for_the_next(host: Kept) -> None:
    await host.run(program("import os, json; os.umask(0o077); os.chdir('/'); json.left = 1; os.environ['LEFT'] = '1'"))
    look = "import os, json; print(os.umask(0), os.getcwd(), hasattr(json, 'left'), 'LEFT' in os.environ)"
    assert (await host.run(program(look))).text == (await LocalHost().run(program(look))).text


async def test_large_programs_and_answers_travel_whole(host: Kept) -> None:
    large = "x" * 3_000_000
    outcome = await host.run(program(f"import sys; print('{large}'); print('{large}', file=sys.stderr)"))
    assert outcome == Outcome(0, f"{large}\n".encode(), f"{large}\n".encode())


async def test_what_says_too_much_is_an_error_and_the_next_program_runs(host: Kept) -> None:
    with pytest.raises(FreeholdError) as raised:
        await host.run(program(f"import os\nfor _ in range({LARGEST_OUTPUT // 2**20 + 2}): os.write(1, bytes(2**20))"))
    assert raised.value.code is Code.TOO_LARGE
    assert (await host.run(program("print(1)"))).text == "1"


async def test_what_takes_too_long_is_killed_and_others_go_on(host: Kept, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    slow = program(f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(60)", timeout_s=2.0)
    other = asyncio.create_task(host.run(program("import sys, time; time.sleep(3); print('done')")))
    with pytest.raises(FreeholdError) as raised:
        await host.run(slow)
    assert raised.value.code is Code.TIMEOUT
    assert (await other).text == "done"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    assert host.began == ["python3"]


async def test_one_that_is_killed_is_begun_anew(host: Kept) -> None:
    parent = int((await host.run(program("import os; print(os.getppid())"))).text)
    under_way = asyncio.create_task(host.run(program(f"import os, time; os.kill({parent}, 9); time.sleep(1)")))
    assert (await under_way).status == 128 + signal.SIGKILL
    assert (await host.run(program("print(1)"))).text == "1"
    assert host.began == ["python3", "python3"]


async def test_what_runs_goes_on_when_the_connection_ends(host: Kept, tmp_path: Path) -> None:
    """As it does with a Python of its own: nothing is cut off in the middle of a file."""
    begun, done = tmp_path / "begun", tmp_path / "done"
    os.mkfifo(begun)
    os.mkfifo(done)
    text = f"open({str(begun)!r}, 'w').close()\nwith open({str(done)!r}, 'w') as file: file.write('yes')"
    task = asyncio.create_task(host.run(program(text)))
    await asyncio.to_thread(begun.read_text)
    interpreter = await host._interpreter(as_root=False)
    assert interpreter
    interpreter._process.end_input()
    assert (await task).status == 255
    assert await asyncio.to_thread(done.read_text) == "yes"


class Without(Kept):
    """A host where no Python can be kept: its login shell talks."""

    async def spawn(self, argv: Sequence[str]) -> Spawned:
        if argv[2] == "-c":
            argv = ("sh", "-c", "echo Welcome!; cat")
        return await super().spawn(argv)


async def test_who_waits_is_told_when_the_connection_is_closed(host: Kept) -> None:
    waiting = asyncio.create_task(host.run(program("import time; time.sleep(30)")))
    while not host.began:
        await asyncio.sleep(0.01)
    await host.run(program("pass"))  # it is ready, and the one before has begun
    await host.close()
    async with asyncio.timeout(10):
        with pytest.raises(FreeholdError) as caught:
            await waiting
    assert caught.value.code is Code.UNREACHABLE


async def test_where_none_can_be_kept_each_program_has_its_own() -> None:
    host = Without()
    answers = [await run_script(host, "it", "def main(told): return told + 1", n, int) for n in (1, 2)]
    assert answers == [2, 3]
    assert host.began == ["sh", "python3", "python3"]
    await host.close()

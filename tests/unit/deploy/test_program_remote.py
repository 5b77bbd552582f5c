"""How a program is put together, checked and taken away where it runs: the remote program, on this machine."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.bundle.archive import pack
from freehold.deploy.bundle.bundle import Bundle, ProgramFile
from freehold.deploy.bundle.target import Target
from freehold.deploy.remote import program_text
from freehold.hosts.local_host import LocalHost
from freehold.hosts.script import run_script

HERE = Target(platform.machine(), sys.version_info[:2], os.path.realpath(sys.executable))
_MAIN = b"import other, sys\nprint(other.NAME, *sys.argv[1:])\n"
OTHER = {f"{HERE.packages}/other.py": ProgramFile(b"NAME = 'other'\n")}


def bundle(main: bytes = _MAIN, version: str = "1.0") -> Bundle:
    return Bundle({"__init__.py": ProgramFile(b""), "__main__.py": ProgramFile(main)}, b"", version)


class Server:
    def __init__(self, folder: Path) -> None:
        self.base = folder / "opt"
        self.programs = self.base / "programs"
        self.programs.mkdir(parents=True)

    async def ask(self, document: dict[str, Any], answer: type[Any] = object) -> Any:
        return await run_script(
            LocalHost(), "program", program_text("program"), {"base": str(self.base), **document}, answer
        )

    async def install(
        self, made: Bundle, reuse: str = "", *, damage: bytes = b"", libraries: bytes | None = None
    ) -> Path:
        incoming = self.programs / ".incoming-1"
        incoming.mkdir()
        others = pack(OTHER) if libraries is None else libraries
        archives = {"code": pack(made.own_files(HERE)), **({} if reuse else {"libraries": others})}
        for name, content in archives.items():
            (incoming / name).write_bytes(content + damage)
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in archives.items()}
        document = {
            "do": "install", "incoming": incoming.name, "digest": made.digest(HERE), "reuse": reuse,
            "archives": digests, "packages": HERE.packages, "interpreter": HERE.interpreter,
        }  # fmt: skip
        await self.ask(document)
        return self.programs / made.digest(HERE)

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.programs.iterdir())

    def make_old(self, *names: str) -> None:
        for name in names:
            os.utime(self.programs / name, (time.time() - 7200,) * 2)

    def release(self, project: str, text: str) -> None:
        record = self.base / project / "releases" / "01" / ".freehold" / "release.json"
        record.parent.mkdir(parents=True)
        record.write_text(text)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def start(program: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(program / "bin" / "freehold"), *words]
    return subprocess.run(command, env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, text=True)


def said(program: Path, *words: str, **environment: str) -> str:
    return start(program, *words, **environment).stdout


@contextlib.contextmanager
def under_way(python: Path) -> Iterator[None]:
    process = subprocess.Popen([python, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        yield
    finally:
        process.communicate(b"\n")


async def test_what_was_sent_runs_by_itself_and_compiled(server: Server) -> None:
    program = await server.install(bundle())
    assert server.names == [program.name]
    (server.base / "other.py").write_text("NAME = 'wrong'\n")
    assert said(program, "a b", "", "$(id)", PYTHONPATH=str(server.base)) == "other a b  $(id)\n"
    assert list((program / HERE.packages / "freehold" / "__pycache__").glob("__main__.*.pyc"))
    assert list((program / HERE.packages / "__pycache__").glob("other.*.pyc"))


async def test_a_process_goes_on_with_the_program_that_it_began_with(server: Server) -> None:
    program = await server.install(bundle(b"import sys\nprint(sys.prefix, sys.executable)\n"))
    (server.base / "link").symlink_to(program)
    assert said(server.base / "link") == f"{program} {program}/bin/python\n"


async def test_another_version_lies_beside_it_with_the_same_packages(server: Server) -> None:
    first = await server.install(bundle())
    second = await server.install(bundle(version="2.0"), reuse=first.name)
    assert said(first) == said(second) == "other\n"
    where = f"{HERE.packages}/other.py"
    assert (first / where).samefile(second / where)
    assert not (first / HERE.packages / "freehold/__main__.py").samefile(
        second / HERE.packages / "freehold/__main__.py"
    )


async def test_installed_twice_is_installed_once(server: Server) -> None:
    program = await server.install(bundle())
    before = program.stat().st_ino
    assert (await server.install(bundle())).stat().st_ino == before
    assert server.names == [program.name]


@pytest.mark.parametrize(
    ("made", "reuse", "damage", "code", "part"),
    [
        (bundle(), "", b"x", Code.CONFLICT, "damaged"),
        (bundle(), "0" * 24, b"", Code.CONFLICT, "gone"),
        (bundle(b"import missing\n"), "", b"", Code.FAILED, "No module named 'missing'"),
        (bundle(b"import sys\nsys.exit(3)\n"), "", b"", Code.FAILED, "does not start: 3"),
    ],
)
async def test_what_is_not_whole_is_no_program(
    made: Bundle, reuse: str, damage: bytes, code: Code, part: str, server: Server
) -> None:
    with pytest.raises(FreeholdError) as caught:
        await server.install(made, reuse, damage=damage)
    assert caught.value.code is code
    assert part in caught.value.message
    assert server.names == []


async def test_packages_that_were_kept_only_in_part_are_told(server: Server) -> None:
    whole = pack(OTHER)
    for kept in (whole[:100], b"no archive", b""):
        with pytest.raises(FreeholdError) as caught:
            await server.install(bundle(), libraries=kept)
        assert caught.value.code is Code.CONFLICT
        assert "was damaged before it was sent" in caught.value.message
        assert "~/.cache/freehold/programs" in caught.value.hint
        assert server.names == []


async def test_a_program_says_when_its_python_is_gone(server: Server) -> None:
    program = await server.install(bundle())
    (program / "bin" / "python").unlink()
    (program / "bin" / "python").symlink_to("/usr/bin/python3.0")
    done = start(program)
    assert done.returncode == 1
    assert HERE.interpreter in done.stderr
    assert "push the project again" in done.stderr


async def test_what_nobody_needs_is_taken_away_and_nothing_else(server: Server) -> None:
    needed = ("named", "linked", "kept", "running", "young")
    for name in (*needed, "unneeded", "somebody-elses", ".incoming-old", ".gone-x"):
        (server.programs / name / "bin").mkdir(parents=True)
        if name != "somebody-elses":
            (server.programs / name / "program.json").write_text('{"libraries": "x"}')
    server.release("shop", json.dumps({"program": "named"}))
    server.release("broken", "{")
    server.release("strange", "[]")
    (server.base / "shop" / "program").symlink_to("../programs/linked")
    python = server.programs / "running" / "bin" / "python"
    python.symlink_to(sys.executable)
    server.make_old("named", "linked", "kept", "running", "unneeded", "somebody-elses", ".incoming-old")
    with under_way(python):
        assert await server.ask({"do": "prune", "keep": ["kept"]}, list[str]) == ["unneeded"]
    assert server.names == sorted((*needed, "somebody-elses"))


async def test_a_server_without_programs(tmp_path: Path) -> None:
    read = f"{program_text('program')}\ndef main(asked): return read(asked)\n"
    facts = await run_script(LocalHost(), "program", read, {"base": str(tmp_path / "opt")}, dict[str, Any])
    assert facts["programs"] == {}
    assert facts["python"] == list(HERE.python)
    assert facts["c_library"] == "glibc"
    assert Path(facts["interpreter"]).is_absolute()

"""What a program for a server is made of, what it is called, and when it is sent."""

from __future__ import annotations

import asyncio
import io
import json
import re
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.bundle.archive import pack, pack_folder
from freehold.deploy.bundle.bundle import Bundle, ProgramFile, installed_bundle
from freehold.deploy.bundle.cache import ProgramCache, cache_folder
from freehold.deploy.bundle.libraries import make_libraries, uv_words
from freehold.deploy.bundle.target import Target, target_of
from freehold.deploy.program_part import ProgramPart
from freehold.runtime.images import packaged
from freehold.server.layout import Layout
from tests.support.server_parts import raw

DEBIAN_12 = Target("x86_64", (3, 11), "/usr/bin/python3.11")
BUNDLE = Bundle({"__init__.py": ProgramFile(b"a = 1\n")}, b"click==8.5.1 --hash=sha256:00\n", "1.0")
FACTS = {
    "architecture": "x86_64", "c_library": "glibc", "python": [3, 11], "interpreter": "/usr/bin/python3.11",
    "programs": {},
}  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        replace(BUNDLE, code={"__init__.py": ProgramFile(b"a = 2\n")}),
        replace(BUNDLE, code={"__init__.py": ProgramFile(b"a = 1\n", is_executable=True)}),
        replace(BUNDLE, code={"_init__.py": ProgramFile(b"a = 1\n")}),
        replace(BUNDLE, code={**BUNDLE.code, "b.py": ProgramFile(b"")}),
        replace(BUNDLE, version="1.1"),
    ],
)
def test_other_code_is_another_program_with_the_same_packages(other: Bundle) -> None:
    assert other.digest(DEBIAN_12) != BUNDLE.digest(DEBIAN_12)
    assert other.libraries_digest(DEBIAN_12) == BUNDLE.libraries_digest(DEBIAN_12)


@pytest.mark.parametrize(
    ("bundle", "target"),
    [
        (replace(BUNDLE, requirements=b"click==8.5.2 --hash=sha256:00\n"), DEBIAN_12),
        (BUNDLE, replace(DEBIAN_12, python=(3, 13))),
        (BUNDLE, replace(DEBIAN_12, architecture="aarch64")),
    ],
)
def test_other_packages_are_another_program(bundle: Bundle, target: Target) -> None:
    assert bundle.libraries_digest(target) != BUNDLE.libraries_digest(DEBIAN_12)
    assert bundle.digest(target) != BUNDLE.digest(DEBIAN_12)


def test_another_place_of_python_is_another_program_with_the_same_packages() -> None:
    moved = replace(DEBIAN_12, interpreter="/usr/local/bin/python3.11")
    assert BUNDLE.digest(moved) != BUNDLE.digest(DEBIAN_12)
    assert BUNDLE.libraries_digest(moved) == BUNDLE.libraries_digest(DEBIAN_12)


def test_the_same_program_is_called_the_same_wherever_it_is_named() -> None:
    again = Bundle(dict(BUNDLE.code), BUNDLE.requirements, "1.0")
    assert again.digest(DEBIAN_12) == BUNDLE.digest(DEBIAN_12)
    assert re.fullmatch("[0-9a-f]{24}", BUNDLE.digest(DEBIAN_12))


def test_a_program_is_a_virtual_environment_of_the_python_there() -> None:
    files = BUNDLE.own_files(DEBIAN_12)
    assert files["lib/python3.11/site-packages/freehold/__init__.py"].content == b"a = 1\n"
    assert files["pyvenv.cfg"].content.startswith(b"home = /usr/bin\ninclude-system-site-packages = false\n")
    assert files["bin/freehold"].is_executable
    assert json.loads(files["program.json"].content) == {
        "digest": BUNDLE.digest(DEBIAN_12), "libraries": BUNDLE.libraries_digest(DEBIAN_12), "version": "1.0",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "part"),
    [
        (("armv7l", "glibc", (3, 11), "/usr/bin/python3.11"), "armv7l"),
        (("", "glibc", (3, 11), "/usr/bin/python3.11"), "(unknown)"),
        (("x86_64", "musl", (3, 11), "/usr/bin/python3.11"), "musl"),
        (("x86_64", "", (3, 11), "/usr/bin/python3.11"), "unknown"),
        (("x86_64", "glibc", (3, 9), "/usr/bin/python3.9"), "3.9 is older than 3.11"),
    ],
)
def test_a_server_that_no_program_can_be_made_for(said: tuple[str, str, tuple[int, int], str], part: str) -> None:
    with pytest.raises(FreeholdError) as caught:
        target_of(*said)
    assert caught.value.code is Code.FAILED
    assert part in caught.value.message
    assert caught.value.hint


def test_the_installed_program_takes_along_what_a_keeper_makes_images_from() -> None:
    bundle = installed_bundle()
    image = packaged.base_files({}).files
    inside = {
        path.removeprefix("freehold/"): content for path, content in image.items() if path.startswith("freehold/")
    }
    assert inside == {path: bundle.code[path].content for path in inside}
    assert bundle.code["runtime/images/base/debian-image"].is_executable
    assert not any("__pycache__" in path for path in bundle.code)


def test_requirements_have_hashes_and_no_installer() -> None:
    lines = installed_bundle().requirements.decode().replace("\\\n", " ").splitlines()
    names = [line.split("==")[0] for line in lines]
    assert all("--hash=sha256:" in line for line in lines)
    assert {"click", "asyncssh", "aiodocker", "psycopg-binary"} <= set(names)
    assert "uv" not in names


def test_an_archive_is_the_same_for_the_same_files(tmp_path: Path) -> None:
    files = {"b": ProgramFile(b"2"), "a/x.sh": ProgramFile(b"1", is_executable=True)}
    assert pack(files) == pack(dict(reversed(files.items())))
    with tarfile.open(fileobj=io.BytesIO(pack(files))) as archive:
        found = {entry.name: entry for entry in archive}
    assert {name: entry.mode for name, entry in found.items()} == {"a/x.sh": 0o755, "b": 0o644}
    assert found["b"].uid == found["b"].gid == 0
    (tmp_path / "in" / "__pycache__").mkdir(parents=True)
    (tmp_path / "in" / "__pycache__" / "m.pyc").write_bytes(b"x")
    (tmp_path / "in" / "m.py").write_bytes(b"m")
    pack_folder(tmp_path / "in", "lib", tmp_path / "one.tar.gz")
    with tarfile.open(tmp_path / "one.tar.gz") as archive:
        assert archive.getnames() == ["lib/m.py"]
    assert [path.name for path in tmp_path.glob("*.part")] == []


def test_what_is_in_a_file_decides_its_time() -> None:
    """A keeper tells programs apart by the times and the sizes of their sources."""

    def time_of(content: bytes) -> float:
        with tarfile.open(fileobj=io.BytesIO(pack({"a": ProgramFile(content)}))) as archive:
            return archive.getmember("a").mtime

    assert time_of(b"a = 1") != time_of(b"a = 2")
    assert time_of(b"a = 1") == time_of(b"a = 1")


def part(tmp_path: Path) -> ProgramPart:
    return ProgramPart(Layout("p"), BUNDLE, ProgramCache(tmp_path))


@pytest.mark.parametrize(
    ("programs", "reuse"),
    [
        ({}, ""),
        ({"0" * 24: "f" * 24}, ""),
        ({"0" * 24: BUNDLE.libraries_digest(DEBIAN_12), "1" * 24: ""}, "0" * 24),
    ],
)
def test_a_program_that_is_not_there_is_sent(programs: dict[str, str], reuse: str, tmp_path: Path) -> None:
    (change,) = part(tmp_path).plan(raw({**FACTS, "programs": programs}))
    assert change.what == f"send freehold 1.0 to /opt/freehold/programs/{BUNDLE.digest(DEBIAN_12)}"
    assert change.document["reuse"] == reuse
    assert "for Python 3.11 on x86_64" in change.detail


def test_a_program_that_is_there_is_not_sent(tmp_path: Path) -> None:
    facts = raw({**FACTS, "programs": {BUNDLE.digest(DEBIAN_12): "x"}})
    assert part(tmp_path).plan(facts) == ()
    assert part(tmp_path).digest(facts) == BUNDLE.digest(DEBIAN_12)


def test_nothing_is_sent_to_a_server_that_it_would_not_start_on(tmp_path: Path) -> None:
    with pytest.raises(FreeholdError, match="musl"):
        part(tmp_path).plan(raw({**FACTS, "c_library": "musl"}))


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"FREEHOLD_HOME": "/f", "HOME": "/h", "XDG_CACHE_HOME": "/c"}, "/f/cache/programs"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "/c"}, "/c/freehold/programs"),
        ({"HOME": "/h"}, "/h/.cache/freehold/programs"),
    ],
)
def test_where_packages_are_kept(environ: dict[str, str], folder: str) -> None:
    assert cache_folder(environ) == Path(folder)


def write(path: Path) -> None:
    path.write_bytes(b"x")


def archives(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.tar.gz"))


async def test_packages_are_fetched_once_and_the_oldest_are_forgotten(tmp_path: Path) -> None:
    made = []

    async def make(path: Path) -> None:
        made.append(path.name)
        write(path)

    cache = ProgramCache(tmp_path / "cache")
    for name in ("a", "a", "b", "c", "d", "e", "f", "g"):
        assert (await cache.get(name, make)).read_bytes() == b"x"
    assert made == [f"{name}.tar.gz" for name in "abcdefg"]
    assert archives(tmp_path / "cache") == [f"{name}.tar.gz" for name in "bcdefg"]


async def test_however_many_servers_are_pushed_to_at_once_one_fetches_and_all_get_it(tmp_path: Path) -> None:
    made: list[Path] = []

    async def make(path: Path) -> None:
        made.append(path)
        await asyncio.to_thread(path.write_text, "packages")  # needs a thread, as the real one does

    async with asyncio.timeout(30):
        paths = await asyncio.gather(*(ProgramCache(tmp_path).get("a", make) for _ in range(40)))
    assert set(paths) == set(made)
    assert len(made) == 1


async def test_what_could_not_be_fetched_is_not_kept(tmp_path: Path) -> None:
    async def fail(path: Path) -> None:
        raise FreeholdError(Code.UNREACHABLE, "no network")

    with pytest.raises(FreeholdError, match="no network"):
        await ProgramCache(tmp_path).get("a", fail)
    assert archives(tmp_path) == []


async def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FreeholdError) as caught:
        await ProgramCache(tmp_path / "file").get("a", lambda _path: pytest.fail("not called"))
    assert caught.value.code is Code.DISK


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"UV_OFFLINE": "1"}, Code.FAILED),
        ({"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple", "UV_HTTP_RETRIES": "0"}, Code.UNREACHABLE),
    ],
)
async def test_packages_that_cannot_be_had(environment: dict[str, str], code: Code, tmp_path: Path) -> None:
    nowhere = {**environment, "UV_CACHE_DIR": str(tmp_path / "uv"), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    with pytest.raises(FreeholdError) as caught:
        await make_libraries(installed_bundle().requirements, DEBIAN_12, tmp_path / "x.tar.gz", nowhere)
    assert caught.value.code is code
    assert "could not be fetched" in caught.value.message
    assert caught.value.hint
    assert not (tmp_path / "x.tar.gz").exists()


def test_packages_are_for_the_server_and_never_built_here() -> None:
    words: Any = uv_words(Target("aarch64", (3, 13), "/usr/bin/python3.13"), Path("/t"))
    text = " ".join(words)
    assert "--python-platform aarch64-manylinux_2_28 --python-version 3.13" in text
    assert "--only-binary :all: --require-hashes" in text

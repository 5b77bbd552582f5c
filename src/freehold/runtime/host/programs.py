"""Our programs for another user of this host: an interpreter and packages that it can read, and `bin/` for its PATH."""

from __future__ import annotations

import compileall
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import remove_tree
from freehold.wire import places

OLDEST_PYTHON = (3, 11)
KEEP_S = 7 * 24 * 3600.0
"""Longer than any run lasts."""
_SYSTEM_PYTHON = Path("/usr/bin/python3")
_ROOTS = ("msgspec", "websockets", "pydantic-ai-slim")
_EXTRAS = {"pydantic-ai-slim": {"openai", "anthropic", "google"}}
"""What runner and builtin harness import (pyproject.toml, dependency group `image`)."""
_ENTRIES = {"runner": "freehold.runner.main", "harness": "freehold.harness.main", "fh": "freehold.runner.fh"}
_LAUNCHER = "freehold-launch"
_COUNT = ".count"


@dataclass(frozen=True)
class Programs:
    """`bin` holds `runner`, `harness`, `fh` and its aliases, and the launcher; `interpreter` runs them."""

    bin: Path
    interpreter: Path

    @property
    def launcher(self) -> Path:
        return self.bin / _LAUNCHER


def readable_by_all(path: Path) -> bool:
    """Whether every user of this host can come to `path` and read it (a program: run it), by the modes on the way."""
    try:
        resolved = path.resolve(strict=True)
        way = [parent.stat().st_mode for parent in resolved.parents]
        mode = resolved.stat().st_mode
    except OSError:
        return False
    end = 0o005 if stat.S_ISDIR(mode) or mode & 0o111 else 0o004
    return all(step & 0o001 for step in way) and mode & end == end


def is_hidden(path: Path) -> bool:
    """Whether it lies below `/tmp`, in whose place a run has a directory of its own."""
    return Path(os.path.abspath(path)).is_relative_to("/tmp")  # noqa: PTH100, S108  links are looked at as they are


def find_interpreter(ours: Path, *, private: bool) -> Path:
    """A Python that the run's user can start: our own where it can be reached, else the system's.

    `private`: the run's user is the keeper's, and everything of ours is within reach. Compiled packages fit one minor
    version of Python, so the system's must be the same as ours. Raises CONFIG when there is none.
    """
    # A virtual environment's python is a link: where it lies may be private while what it leads to is everybody's.
    program = ours if private and not is_hidden(ours) else ours.resolve()
    if not is_hidden(program) and (private or readable_by_all(program)):
        return program
    version = _version_of(_SYSTEM_PYTHON)
    if version == sys.version_info[:2] and version >= OLDEST_PYTHON:
        return _SYSTEM_PYTHON
    wanted = ".".join(map(str, sys.version_info[:2]))
    raise FreeholdError(
        Code.CONFIG,
        f"No Python {wanted} can be started by another user: {ours} lies in a private directory, and {_SYSTEM_PYTHON} "
        f"is {'.'.join(map(str, version)) if version else 'not there'}.",
        "Install Freehold where every user can read it, for example below /opt, or use Docker.",
    )


def install(base: Path, *, private: bool) -> Programs:
    """Make `bin/` (and, where ours is out of reach, `lib/`) below `base`, once per state of our own code."""
    interpreter = find_interpreter(Path(sys.executable), private=private)
    sources = [_package_file("freehold"), _package_file("msgspec")]
    in_place = all((private or readable_by_all(source)) and not is_hidden(source) for source in sources)
    target = base / f"programs-{_digest(interpreter, in_place=in_place)}"
    if not _is_whole(target):
        remove_tree(target)
        fresh = target.with_suffix(".new")
        remove_tree(fresh)
        (fresh / "bin").mkdir(parents=True)
        library = [source.parents[1] for source in sources] if in_place else [target / "lib"]
        if not in_place:
            _copy_packages(fresh / "lib", sources[0].parent)
        _write_programs(fresh / "bin", interpreter, dict.fromkeys(library))
        _open_to_all(fresh)
        (fresh / _COUNT).write_text(str(_count(fresh)))
        fresh.rename(target)
        _remove_stale(base, target)
    return Programs(target / "bin", interpreter)


def _is_whole(target: Path) -> bool:
    """Whether everything is still there: systems remove what nobody reads for a month from shared directories."""
    try:
        return int((target / _COUNT).read_text()) == _count(target)
    except (OSError, ValueError):
        return False


def _count(folder: Path) -> int:
    return sum(1 for path in folder.rglob("*") if path.name != _COUNT)


def _remove_stale(base: Path, newest: Path) -> None:
    """Programs of earlier versions, unless a run that is still under way may have been started with them."""
    oldest = newest.stat().st_mtime - KEEP_S
    for path in base.glob("programs-*"):
        if path != newest and path.stat().st_mtime < oldest:
            remove_tree(path)


def _version_of(python: Path) -> tuple[int, int] | None:
    try:
        done = subprocess.run(
            [str(python), "-I", "-S", "-c", "import sys; print(*sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        )
        major, minor = done.stdout.split()
        return int(major), int(minor)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _package_file(name: str) -> Path:
    """The package's `__init__.py`; the directory above its own has to be on the path for `import name`."""
    found = importlib.util.find_spec(name)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin)


def _digest(interpreter: Path, *, in_place: bool) -> str:
    """Changes with our own code, the interpreter and the place of the libraries."""
    digest = hashlib.sha256(f"{interpreter}{in_place}{sys.version}".encode())
    for path in sorted(_package_file("freehold").parent.rglob("*.py")):
        status = path.stat()
        digest.update(f"{path}{status.st_size}{status.st_mtime_ns}".encode())
    return digest.hexdigest()[:12]


def _write_programs(folder: Path, interpreter: Path, library: Iterable[Path]) -> None:
    """As in the image (`images/base/bin`): nothing of the agent's decides what is imported."""
    lines = "\n".join(f"sys.path.insert(0, {str(path)!r})" for path in library)
    for name, module in _ENTRIES.items():
        text = f"#!{interpreter} -IS\nimport sys\n\n{lines}\n\nfrom {module} import main\n\nsys.exit(main())\n"
        (folder / name).write_text(text)
    for alias in places.FH_ALIASES:
        (folder / alias).symlink_to("fh")
    shutil.copyfile(Path(__file__).with_name("launcher.py"), folder / _LAUNCHER)


def _copy_packages(target: Path, package: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, target / "freehold", ignore=ignored)
    for name in needed_distributions(_ROOTS):
        for file in importlib.metadata.files(name) or []:
            source = Path(str(file.locate()))
            if ".." in file.parts or "__pycache__" in file.parts or not source.is_file():
                continue
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target / file)
    # The run's user cannot write compiled modules, and compiling the harness anew takes it seconds each time.
    compileall.compile_dir(target, quiet=2, workers=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)


def needed_distributions(roots: Iterable[str]) -> list[str]:
    """The installed distributions that `roots` need, themselves included. What is not installed is left out."""
    found: dict[str, None] = {}
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            requirements = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        found[name] = None
        waiting += [_name_of(line) for line in requirements if _is_wanted(line, _EXTRAS.get(name, set()))]
    return sorted(found)


def _name_of(requirement: str) -> str:
    """`httpx2[http2]>=1.0; extra == "x"` → `httpx2` (PEP 508, PEP 503)."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s;\[(<>=!~@]", requirement, maxsplit=1)[0]).lower()


def _is_wanted(requirement: str, extras: set[str]) -> bool:
    """Other markers are not read: a distribution for another system is not installed, so it is left out anyway."""
    named = re.search(r"""extra\s*==\s*["']([^"']+)["']""", requirement)
    return named is None or named[1] in extras


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            program = path.is_dir() or path.parent == folder / "bin"
            path.chmod(0o755 if program else 0o644)

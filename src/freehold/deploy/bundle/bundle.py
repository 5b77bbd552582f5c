"""The program as it runs on servers: our own code, the packages that it needs, and a command that starts it. Pure.

On a server it is a virtual environment that was made elsewhere: `<digest>/{pyvenv.cfg,bin,lib}`. Its name says what is
in it, so that two versions lie side by side and one that is there is the right one (`docs/why/program-bundle.md`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import freehold
from freehold import __version__
from freehold.deploy.bundle.target import Target

_FORMAT = 1
"""Goes into every digest: raise it when the layout of a program's folder changes."""
_DIGEST_LENGTH = 24
RECORD_FILE = "program.json"
"""In a program's folder: its digests and its version."""

_LAUNCHER = """\
#!/bin/sh
# freehold {version}, with its packages for Python {python}.
here=$(readlink -f -- "$0") || exit 127
here=${{here%/*}}
if [ ! -x "$here/python" ]; then
  echo "error: this program was made for {interpreter}, which is not here any more: push the project again" >&2
  exit 1
fi
exec "$here/python" -I ${{PYTHONUNBUFFERED:+-u}} -m freehold "$@"
"""
"""Links are followed first: a process goes on with the program it began with when another one takes its place."""


@dataclass(frozen=True)
class ProgramFile:
    content: bytes
    is_executable: bool = False


@dataclass(frozen=True)
class Bundle:
    """`code` are the files of the package `freehold` by path from it on; `requirements` is what it needs from PyPI,
    with hashes, as pip and uv read it."""

    code: Mapping[str, ProgramFile]
    requirements: bytes
    version: str = __version__

    def libraries_digest(self, target: Target) -> str:
        """Names the packages alone: programs for which it is the same share them."""
        return _digest(_FORMAT, target.platform, target.python_version, hashlib.sha256(self.requirements).hexdigest())

    def digest(self, target: Target) -> str:
        """Names the whole program, the same on every machine."""
        return _digest(
            _FORMAT, self.libraries_digest(target), self._code_digest, target.interpreter, _LAUNCHER, self.version
        )

    def own_files(self, target: Target) -> dict[str, ProgramFile]:
        """Everything in the program's folder that is no package of others, by path."""
        own = {str(PurePosixPath(target.packages, "freehold", path)): file for path, file in self.code.items()}
        record = {
            "digest": self.digest(target), "libraries": self.libraries_digest(target), "version": self.version,
        }  # fmt: skip
        folder = PurePosixPath(target.interpreter).parent
        launcher = _LAUNCHER.format(version=self.version, python=target.python_version, interpreter=target.interpreter)
        settings = f"home = {folder}\ninclude-system-site-packages = false\nversion = {target.python_version}\n"
        return {
            **own,
            "bin/freehold": ProgramFile(launcher.encode(), is_executable=True),
            "pyvenv.cfg": ProgramFile(settings.encode()),
            RECORD_FILE: ProgramFile(json.dumps(record).encode()),
        }

    @cached_property
    def _code_digest(self) -> str:
        return _digest(
            *(
                f"{path}\0{file.is_executable}\0{hashlib.sha256(file.content).hexdigest()}"
                for path, file in sorted(self.code.items())
            )
        )


def installed_bundle() -> Bundle:
    """The bundle of the program that runs here. Raises `OSError` when its own files cannot be read."""
    root = Path(freehold.__file__).parent
    code = {}
    for path in sorted(root.rglob("*")):
        if "__pycache__" not in path.parts and path.is_file():
            executable = bool(path.stat().st_mode & 0o100)
            code[path.relative_to(root).as_posix()] = ProgramFile(path.read_bytes(), executable)
    return Bundle(code, (Path(__file__).parent / "requirements.txt").read_bytes())


def _digest(*inputs: object) -> str:
    text = json.dumps([str(each) for each in inputs]).encode()
    return hashlib.sha256(text).hexdigest()[:_DIGEST_LENGTH]

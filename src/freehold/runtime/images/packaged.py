"""The recipes that travel with this program: the base image and the harness layers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import freehold
from freehold.runtime.images.staging import room_for, set_mode

_HERE = Path(__file__).parent
BASE_FOLDER = _HERE / "base"
HARNESS_FOLDER = _HERE / "harnesses"

_TRAVELS = ("base", "wire", "runner", "harness")
"""The packages of ours that run inside: messages and words, PID 1 with `fh`, and the builtin harness."""


@dataclass(frozen=True)
class PackagedFiles:
    """A build context in memory: contents by path. Its counterpart for users' folders is `Context`."""

    files: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        digest = hashlib.sha256()
        for path, content in sorted(self.files.items()):
            digest.update(path.encode() + b"\0" + hashlib.sha256(content).digest())
        return digest.hexdigest()

    def stage(self, target: Path) -> None:
        for path, content in self.files.items():
            destination = room_for(target, path)
            destination.write_bytes(content)
            set_mode(destination, is_executable=False)


def base_files(certificates: Mapping[str, bytes]) -> PackagedFiles:
    """What the base image's Dockerfile copies."""
    files = {f"ca/{name}": content for name, content in certificates.items()}
    # Docker copies no empty folder that it was not sent.
    files["ca/README"] = b"Certificate authorities of the host that built this image, if it has its own.\n"
    files["requirements.txt"] = (BASE_FOLDER / "requirements.txt").read_bytes()
    for launcher in sorted((BASE_FOLDER / "bin").iterdir()):
        files[f"bin/{launcher.name}"] = launcher.read_bytes()
    root = Path(freehold.__file__).parent
    files["freehold/__init__.py"] = (root / "__init__.py").read_bytes()
    for package in _TRAVELS:
        for source in sorted((root / package).rglob("*")):
            if source.is_file() and "__pycache__" not in source.parts:
                files[f"freehold/{source.relative_to(root)}"] = source.read_bytes()
    return PackagedFiles(files)


def base_dockerfile() -> str:
    return (BASE_FOLDER / "Dockerfile").read_text("utf-8")


def harness_files(harness: str) -> PackagedFiles:
    folder = HARNESS_FOLDER / harness
    return PackagedFiles({name: (folder / name).read_bytes() for name in ("package.json", "package-lock.json")})


def harness_dockerfile() -> str:
    return (HARNESS_FOLDER / "Dockerfile").read_text("utf-8")

"""On a server: which programs are there, and how one is put together, checked and taken away.

`/opt/freehold/programs/<digest>/` is whole or not there: it is made beside, in `.incoming-<id>/`, and renamed.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from freehold.deploy.remote.refused import Refused

INCOMING = ".incoming-"
GONE = ".gone-"
YOUNG_S = 3600.0
"""What is younger may belong to a push that is under way."""
START_TIMEOUT_S = 60.0
COMPILE_TIMEOUT_S = 240.0


def read(asked: dict[str, Any]) -> dict[str, Any]:
    """`asked` is `{base}`. What the server is, as far as programs go, and those that are there."""
    return {
        "architecture": platform.machine(),
        "c_library": c_library(),
        "python": list(sys.version_info[:2]),
        "interpreter": os.path.realpath(sys.executable),
        "programs": {folder.name: record(folder).get("libraries", "") for folder in programs_in(asked["base"])},
    }


def c_library() -> str:
    """`glibc`; empty for another one, which does not know the question."""
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").split(" ")[0]
    except (OSError, ValueError):
        return ""


def main(document: dict[str, Any]) -> Any:
    os.umask(0o022)
    try:
        if document["do"] == "install":
            return install(document)
        if document["do"] == "prune":
            return prune(document)
        return discard(document)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Refused("disk", f"no room for the program: {error.filename or document['base']}") from None
        raise Refused("failed", f"{error.filename or document['base']}: {error.strerror}") from None


def install(document: dict[str, Any]) -> dict[str, Any]:
    """Of what was put into the folder `incoming` make the program `digest`. `archives` are names and SHA-256 of what
    is unpacked; `packages` is where the packages are, below a program; with `reuse`, another program, those that are
    not our own are linked from there."""
    programs = Path(document["base"], "programs")
    incoming, final = programs / document["incoming"], programs / document["digest"]
    try:
        remove_old(programs)
        if not final.exists():
            tree = incoming / "tree"
            put_together(document, incoming, tree)
            require_start(tree)
            compiled = compile_all(tree, document)
            # The name must not be on the disk before what it names.
            subprocess.run(["sync", "-f", str(tree)], check=False, capture_output=True)
            os.utime(tree)
            rename(tree, final)
            return {"compiled": compiled}
        return {"compiled": True}
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def put_together(document: dict[str, Any], incoming: Path, tree: Path) -> None:
    tree.mkdir(mode=0o755)
    if document["reuse"]:
        other = Path(document["base"], "programs", document["reuse"], document["packages"])
        if not other.is_dir():
            raise Refused("conflict", f"{other} is gone, whose packages were to be used", "Push again.")
        link_all(other, tree / document["packages"])
    for name, digest in document["archives"].items():
        unpack(incoming / name, digest, tree)
    (tree / "bin" / "python").symlink_to(document["interpreter"])


def link_all(source: Path, target: Path) -> None:
    """Hard links: files of programs are never written again."""
    for folder, folders, files in os.walk(source):
        if Path(folder) == source:
            folders.remove("freehold")
        there = target / Path(folder).relative_to(source)
        there.mkdir(parents=True, exist_ok=True)
        for name in files:
            os.link(Path(folder, name), there / name)


def unpack(archive: Path, digest: str, tree: Path) -> None:
    found = hashlib.sha256()
    with archive.open("rb") as file:
        while piece := file.read(1 << 20):
            found.update(piece)
    if found.hexdigest() != digest:
        raise Refused("conflict", f"{archive} came over damaged", "Push again.")
    try:
        with tarfile.open(archive) as files:
            # It is ours, checked to the last byte; the filter is for others', and older Pythons have none.
            if hasattr(tarfile, "fully_trusted_filter"):
                files.extraction_filter = tarfile.fully_trusted_filter
            files.extractall(tree)  # noqa: S202
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        kept = "Remove what is kept of programs on your machine (~/.cache/freehold/programs), and push again."
        raise Refused("conflict", f"{archive.name} was damaged before it was sent: {error}", kept) from None
    archive.unlink()


def require_start(tree: Path) -> None:
    """Its packages fit the Python and the C library, as far as a start tells."""
    try:
        done = subprocess.run(
            [str(tree / "bin" / "freehold"), "--version"], capture_output=True, text=True, timeout=START_TIMEOUT_S,
            stdin=subprocess.DEVNULL, check=False, cwd="/",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Refused("failed", f"the program does not start within {START_TIMEOUT_S:.0f} s") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise Refused("failed", f"the program does not start: {said[-1] if said else done.returncode}")


def compile_all(tree: Path, document: dict[str, Any]) -> bool:
    """Nobody who runs it may write beside its files, so nobody could later. Without it a start is slow, no more."""
    packages: Path = tree / document["packages"]
    words = [
        str(tree / "bin" / "python"), "-I", "-m", "compileall", "-q", "-j", "0",
        "--invalidation-mode", "unchecked-hash", str(packages / "freehold" if document["reuse"] else packages),
    ]  # fmt: skip
    try:
        subprocess.run(
            words, capture_output=True, timeout=COMPILE_TIMEOUT_S, stdin=subprocess.DEVNULL, check=False, cwd="/"
        )
    except subprocess.TimeoutExpired:
        return False
    return (packages / "freehold" / "__pycache__").is_dir()


def rename(tree: Path, final: Path) -> None:
    try:
        tree.rename(final)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise  # else another push made the same one meanwhile


def prune(document: dict[str, Any]) -> list[str]:
    """Take away the programs that no release of any project names, that no project's link leads to, that no process
    runs and that `keep` has not; which ones. What does not say that it is a program is somebody else's."""
    base = Path(document["base"])
    remove_old(base / "programs")
    wanted = {*document["keep"], *named_by_releases(base), *linked_to(base), *running(base / "programs")}
    removed = []
    for folder in programs_in(document["base"]):
        if (
            folder.name not in wanted
            and record(folder)
            and time.time() - folder.stat().st_mtime > document.get("young_s", YOUNG_S)
        ):
            aside = folder.with_name(GONE + folder.name)
            folder.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)
            removed.append(folder.name)
    return removed


def discard(document: dict[str, Any]) -> None:
    shutil.rmtree(Path(document["base"], "programs", document["incoming"]), ignore_errors=True)


def remove_old(programs: Path) -> None:
    """What pushes left that were cut off."""
    for folder in programs.iterdir() if programs.is_dir() else ():
        is_old = folder.name.startswith(INCOMING) and time.time() - folder.stat().st_mtime > YOUNG_S
        if is_old or folder.name.startswith(GONE):
            shutil.rmtree(folder, ignore_errors=True)


def programs_in(base: str) -> list[Path]:
    programs = Path(base, "programs")
    found = sorted(programs.iterdir()) if programs.is_dir() else []
    return [folder for folder in found if not folder.name.startswith(".") and folder.is_dir()]


def record(folder: Path) -> dict[str, Any]:
    try:
        told = json.loads((folder / "program.json").read_text())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def named_by_releases(base: Path) -> set[str]:
    """Raises `OSError` when one cannot be read: then nothing is taken away."""
    found = set()
    for path in base.glob("*/releases/*/.freehold/release.json"):
        try:
            found.add(str(json.loads(path.read_text())["program"]))
        except (ValueError, KeyError, TypeError):
            continue  # a release that nobody can go back to
    return found


def linked_to(base: Path) -> set[str]:
    return {Path(os.readlink(link)).name for link in base.glob("*/program") if link.is_symlink()}


def running(programs: Path) -> set[str]:
    """Programs that a process was begun from: it still loads parts of it."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            first = path.read_bytes().split(b"\0")[0].decode(errors="replace")
        except OSError:
            continue
        if first.startswith(f"{programs}/"):
            found |= {*Path(first).relative_to(programs).parts[:1]}  # anybody may call a process so
    return found

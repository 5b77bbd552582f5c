"""The packages that the program needs, fetched for another machine's platform and Python by uv."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.bundle.archive import pack_folder
from freehold.deploy.bundle.target import Target

_TIMEOUT_S = 900.0
_NO_SOLUTION_STATUS = 1
"""Of uv: what is asked for does not exist, or (offline) is not in its cache. Everything else is 2."""
_SHOWN_LINES = 6


async def make_libraries(
    requirements: bytes, target: Target, destination: Path, environment: Mapping[str, str] = os.environ
) -> None:
    """An archive of the packages at `destination`, in one step; none of them is built here.

    Raises FAILED when there is none for the platform, UNREACHABLE when the index cannot be reached, TIMEOUT after a
    quarter of an hour, DISK when there is no room.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="freehold-program-") as name:
            folder = Path(name)
            (folder / "requirements.txt").write_bytes(requirements)
            await _install(folder, target, environment)
            _drop_what_is_of_this_machine(folder / "packages")
            await asyncio.to_thread(pack_folder, folder / "packages", target.packages, destination)
    except OSError as error:
        raise FreeholdError(
            Code.DISK, f"the program could not be put together: {error.strerror}: {error.filename}",
            "It takes 150 MB of temporary files (TMPDIR), and 30 MB beside the others.",
        ) from error  # fmt: skip


def uv_words(target: Target, folder: Path) -> tuple[str, ...]:
    """The command line that installs `requirements.txt` of `folder` into its `packages`."""
    from uv import find_uv_bin

    return (
        find_uv_bin(), "pip", "install", "--quiet", "--no-progress", "--python", sys.executable,
        "--target", str(folder / "packages"), "--link-mode", "copy",
        "--python-platform", target.platform, "--python-version", target.python_version,
        "--only-binary", ":all:", "--require-hashes", "--requirements", str(folder / "requirements.txt"),
    )  # fmt: skip


async def _install(folder: Path, target: Target, environment: Mapping[str, str]) -> None:
    # The certificates that this machine trusts, a company's own included.
    known = {"UV_SYSTEM_CERTS": "1", **environment}
    process = await asyncio.create_subprocess_exec(
        *uv_words(target, folder), cwd=folder, env=known, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            _, said = await process.communicate()
    except TimeoutError:
        raise FreeholdError(
            Code.TIMEOUT, f"the program's packages were not there after {_TIMEOUT_S:.0f} s", "Is the network slow?"
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise _not_fetched(process.returncode, said, target)


def _not_fetched(status: int, said: bytes, target: Target) -> FreeholdError:
    lines = said.decode(errors="replace").strip().splitlines()[-_SHOWN_LINES:]
    whole = "\n".join(("the program's packages could not be fetched:", *(f"  {line}" for line in lines)))
    if status == _NO_SOLUTION_STATUS:
        return FreeholdError(
            Code.FAILED, whole,
            f"One of them does not exist for Python {target.python_version} on {target.platform}, or, without a "
            "network, is not on this machine yet.",
        )  # fmt: skip
    return FreeholdError(
        Code.UNREACHABLE, whole,
        "They come from pypi.org, or from what UV_DEFAULT_INDEX names. Connect this machine to it once; they are kept.",
    )  # fmt: skip


def _drop_what_is_of_this_machine(packages: Path) -> None:
    """Commands of the packages begin with the path of this machine's Python; and nobody calls them."""
    scripts = packages / "bin"
    for script in sorted(scripts.iterdir()) if scripts.is_dir() else ():
        script.unlink()
    if scripts.is_dir():
        scripts.rmdir()
    (packages / ".lock").unlink(missing_ok=True)

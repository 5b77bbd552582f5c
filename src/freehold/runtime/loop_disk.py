"""A file system of fixed size in a sparse file: how a workspace is held to its size where we are root.

The file is attached to a loop device, Docker mounts the device when a container starts and unmounts it when the
container ends, and the kernel gives the device back by itself: right after the start we ask for it to be detached,
which it is as soon as nobody has it mounted. So nothing is left to clean up, whoever dies in between.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import make_private_directory

PROGRAMS = ("mkfs.ext4", "debugfs", "e2fsck", "losetup")
MOUNT_OPTIONS = "nosuid,nodev,noatime,discard"
_SEARCH_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_E2FSCK_REPAIRED = 1


def can_use_loop_disks(user_id: int) -> bool:
    """Whether this process may attach loop devices, and has the programs for it (packages e2fsprogs, mount)."""
    programs = all(shutil.which(program, path=_SEARCH_PATH) for program in PROGRAMS)
    return user_id == 0 and programs and Path("/dev/loop-control").exists()


def make_file_system(image: Path, owner: int) -> list[tuple[str, ...]]:
    """Commands that put an empty ext4 on `image`, all of it for `owner`.

    A small journal and no reserved blocks leave the owner what the size promises; `lost+found` goes, because a
    `git clone` into the workspace itself wants an empty directory (e2fsck makes it anew when it needs it).
    """
    options = f"root_owner={owner}:{owner},lazy_itable_init=1,lazy_journal_init=1,nodiscard"
    return [
        ("mkfs.ext4", "-q", "-F", "-m", "0", "-J", "size=8", "-E", options, str(image)),
        ("debugfs", "-w", "-R", "rmdir /lost+found", str(image)),
    ]


def check_file_system(image: Path) -> tuple[str, ...]:
    return ("e2fsck", "-p", str(image))


def attach(image: Path) -> tuple[str, ...]:
    return ("losetup", "--find", "--show", "--nooverlap", str(image))


def list_attached(image: Path) -> tuple[str, ...]:
    return ("losetup", "--noheadings", "--output", "NAME", "--associated", str(image))


def detach(device: str) -> tuple[str, ...]:
    return ("losetup", "--detach", device)


@dataclass(frozen=True)
class LoopDisk:
    """One file system of `size_bytes` below `directory`; `device` is a link to its loop device while that is needed."""

    directory: Path
    name: str
    size_bytes: int
    owner: int

    @property
    def image(self) -> Path:
        return self.directory / f"{self.name}.ext4"

    @property
    def device(self) -> Path:
        """The same path for ever, so that a volume which names it stays valid when loop numbers change."""
        return self.directory / f"{self.name}.device"

    async def attach(self) -> None:
        """Make the file system if there is none, and let `device` lead to it. Raises DISK when that fails."""
        if not self.image.exists():
            await self._create()
        loop = await self.attached_to()
        if not loop:
            await _run(check_file_system(self.image), self.image, also_fine=_E2FSCK_REPAIRED)
            loop = (await _run(attach(self.image), self.image)).strip()
        fresh = self.device.with_suffix(".device.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(loop)
        fresh.replace(self.device)

    async def let_go(self) -> None:
        """Detach as soon as it is not mounted, which may be now."""
        self.device.unlink(missing_ok=True)
        loop = await self.attached_to()
        if loop:
            await _run(detach(loop), self.image)

    async def attached_to(self) -> str:
        """The loop device, or the empty string."""
        if not self.image.exists():
            return ""
        lines = (await _run(list_attached(self.image), self.image)).split()
        return lines[0] if lines else ""

    async def _create(self) -> None:
        make_private_directory(self.directory)
        unfinished = self.image.with_suffix(".ext4.new")
        with unfinished.open("wb") as file:
            os.truncate(file.fileno(), self.size_bytes)
        try:
            for command in make_file_system(unfinished, self.owner):
                await _run(command, self.image)
            unfinished.replace(self.image)
        finally:
            unfinished.unlink(missing_ok=True)


async def _run(command: tuple[str, ...], image: Path, also_fine: int = 0) -> str:
    program = shutil.which(command[0], path=_SEARCH_PATH) or command[0]
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *command[1:],
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": _SEARCH_PATH, "LC_ALL": "C.UTF-8"},
        )
    except FileNotFoundError as error:
        raise FreeholdError(
            Code.DISK, f"{command[0]} is not installed; it keeps workspaces at their size.", "apt-get install e2fsprogs"
        ) from error
    output, complaint = await process.communicate()
    if process.returncode not in (0, also_fine):
        said = complaint.decode(errors="replace").strip() or output.decode(errors="replace").strip()
        raise FreeholdError(
            Code.DISK,
            f"Workspace {image}: {command[0]} failed (exit {process.returncode}): {said[-500:]}",
            "Is the disk full (df -h)? A workspace that cannot be repaired may be deleted; the next run makes it anew.",
        )
    return output.decode(errors="replace")

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from freehold.base.plain_file import read_plain


def test_a_plain_file_is_read_to_its_bound(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert read_plain(tmp_path / "file", 5) == b"12345"
    with pytest.raises(OSError, match="is larger than 4 B"):
        read_plain(tmp_path / "file", 4)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


STRANGE: list[tuple[str, Callable[[Path], object], str]] = [
    ("link", lambda path: path.symlink_to("/etc/hostname"), "is a link"),
    ("link to a device", lambda path: path.symlink_to("/dev/zero"), "is a link"),
    ("link to nothing", lambda path: path.symlink_to("nowhere"), "is a link"),
    ("pipe", os.mkfifo, "is no plain file"),
    ("socket", _socket, "is no plain file"),
    ("folder", lambda path: path.mkdir(), "Is a directory"),
    ("nothing", lambda _: None, "No such file"),
]


@pytest.mark.parametrize(("make", "message"), [row[1:] for row in STRANGE], ids=[row[0] for row in STRANGE])
def test_nothing_else_is_read_or_waited_for(tmp_path: Path, make: Callable[[Path], object], message: str) -> None:
    make(tmp_path / "it")
    with pytest.raises(OSError, match=message):
        read_plain(tmp_path / "it", 100)


def test_a_device_is_no_file() -> None:
    with pytest.raises(OSError, match="is no plain file"):
        read_plain(Path("/dev/zero"), 100)


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(OSError, match=r"plain|directory"):
            read_plain(path, 100)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208

from __future__ import annotations

from pathlib import Path

from freehold.runtime.loop_disk import attach, can_use_loop_disks, detach, list_attached, make_file_system

IMAGE = Path("/p/workspaces/fh-shop-dev-0.ext4")


def test_the_file_system_is_all_the_agents() -> None:
    make, tidy = make_file_system(IMAGE, 1000)
    assert make[:8] == ("mkfs.ext4", "-q", "-F", "-m", "0", "-J", "size=8", "-E")
    assert "root_owner=1000:1000" in make[8]
    assert make[-1] == str(IMAGE)
    assert tidy == ("debugfs", "-w", "-R", "rmdir /lost+found", str(IMAGE))


def test_devices_are_found_by_their_file_and_never_by_a_number() -> None:
    assert attach(IMAGE)[-1] == str(IMAGE)
    assert list_attached(IMAGE)[-1] == str(IMAGE)
    assert detach("/dev/loop3") == ("losetup", "--detach", "/dev/loop3")


def test_only_root_can_use_them() -> None:
    assert not can_use_loop_disks(1000)

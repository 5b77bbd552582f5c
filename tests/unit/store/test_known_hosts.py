"""The file of accepted host keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.project.host_key import HostKey
from freehold.store.known_hosts import KnownHosts

KEY = HostKey.parse("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl")
OTHER = HostKey(KEY.algorithm, KEY.blob[:-1] + b"x")


def test_a_place_has_the_key_that_was_pinned_last(tmp_path: Path) -> None:
    known = KnownHosts(tmp_path / "home")
    assert known.keys_of("box") == []
    known.pin("box", KEY)
    known.pin("[box]:2222", OTHER)
    known.pin("box", OTHER)
    known.pin("box", KEY)
    assert (known.keys_of("box"), known.keys_of("[box]:2222"), known.keys_of("bo")) == ([KEY], [OTHER], [])
    assert known.path.stat().st_mode & 0o777 == 0o600
    known.forget("box")
    assert (known.keys_of("box"), known.keys_of("[box]:2222")) == ([], [OTHER])


def test_what_people_wrote_into_it_stays(tmp_path: Path) -> None:
    known = KnownHosts(tmp_path)
    known.path.write_text(f"# mine\n\nother,alias {OTHER} a comment\n#box {OTHER}\n")
    known.pin("box", KEY)
    assert known.path.read_text().startswith(f"# mine\n\nother,alias {OTHER} a comment\n")
    assert (known.keys_of("alias"), known.keys_of("box")) == ([OTHER], [KEY])


def test_a_broken_line_does_not_count_as_none(tmp_path: Path) -> None:
    known = KnownHosts(tmp_path)
    known.path.write_text(f"fine {KEY}\nbox ssh-ed25519 AAAA\n")
    with pytest.raises(FreeholdError, match=r"known_hosts: line 2: the key of box is no public key") as raised:
        known.keys_of("box")
    assert raised.value.code is Code.CONFIG
    assert known.keys_of("fine") == [KEY]

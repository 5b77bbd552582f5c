"""The units of a project that was put on a server by hand."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from freehold.base.errors import FreeholdError
from freehold.server.by_hand import ByHand
from freehold.server.unit_word import command_word, unit_word
from freehold.server.units import Listening, keeper_unit, service_unit, socket_unit


def by_hand(folder: str = "/srv/shop/project", program: str = "/opt/program", home: str = "/srv/shop") -> ByHand:
    return ByHand(
        "project", folder=folder, program_here=program, home=f"{home}/.freehold", person="shop", persons_group="shop",
        persons_home=home,
    )  # fmt: skip


def settings(text: str, name: str) -> list[str]:
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{name}=")]


def test_both_are_one_user_and_only_the_keeper_has_docker() -> None:
    gateway, keeper = service_unit(by_hand()), keeper_unit(by_hand())
    for unit in (gateway, keeper):
        assert (settings(unit, "User"), settings(unit, "Group")) == (["shop"], ["shop"])
        assert settings(unit, "ReadWritePaths") == ["/srv/shop/project /srv/shop"]
        assert settings(unit, "NoNewPrivileges") == ["yes"]
        assert "FREEHOLD_KEEPER_STATE=/srv/shop/project/.freehold" in settings(unit, "Environment")
        assert not any("FREEHOLD_PROJECT" in one for one in settings(unit, "Environment"))
    assert settings(keeper, "SupplementaryGroups") == ["docker"]
    assert settings(gateway, "SupplementaryGroups") == []
    assert settings(gateway, "InaccessiblePaths") == ["-/run/docker.sock"]


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        (by_hand(), "yes"),
        (by_hand(folder="/home/me/shop"), "read-only"),
        (by_hand(program="/home/me/.venv"), "read-only"),
        (by_hand(home="/home/shop"), "read-only"),
        (by_hand(folder="/homes/shop"), "yes"),
    ],
)
def test_homes_are_hidden_unless_something_of_it_lies_there(layout: ByHand, expected: str) -> None:
    assert settings(service_unit(layout), "ProtectHome") == settings(keeper_unit(layout), "ProtectHome") == [expected]


def test_exposed_it_listens_everywhere_and_answers_to_the_machines_names() -> None:
    assert settings(socket_unit(by_hand(), Listening(8080, "")), "ListenStream") == ["8080"]
    assert settings(service_unit(by_hand(), expose=True), "ExecStart")[0].endswith(" --expose")
    assert "--expose" not in service_unit(by_hand())


@pytest.mark.parametrize(
    ("text", "word", "of_command"),
    [
        ("/srv/shop", "/srv/shop", "/srv/shop"),
        ("a b", '"a b"', '"a b"'),
        ("50%", "50%%", "50%%"),
        ("$HOME", '"$HOME"', '"$$HOME"'),
        ('a"b\\c', '"a\\"b\\\\c"', '"a\\"b\\\\c"'),
        ("it's", '"it\'s"', '"it\'s"'),
        ("", '""', '""'),
        ("a;b", '"a;b"', '"a;b"'),
    ],
)
def test_a_word_of_a_unit_is_one_word(text: str, word: str, of_command: str) -> None:
    assert (unit_word(text), command_word(text)) == (word, of_command)


@pytest.mark.parametrize("text", ["a\nExecStartPre=/bin/evil", "a\x00", "a\tb"])
def test_what_no_line_can_hold_is_refused(text: str) -> None:
    with pytest.raises(FreeholdError, match="systemd takes no such character"):
        unit_word(text)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not there")
def test_systemd_understands_strange_folders(tmp_path: Path) -> None:
    folder, program = tmp_path / 'a b%c\'s "$(x)"', tmp_path / "pro gram"
    (program / "bin").mkdir(parents=True)
    (program / "bin/freehold").write_text("#!/bin/sh\n")
    (program / "bin/freehold").chmod(0o755)
    folder.mkdir()
    layout = by_hand(str(folder), str(program), str(folder))
    units = {layout.socket: socket_unit(layout, Listening()), layout.service: service_unit(layout)}
    units[layout.keeper] = keeper_unit(layout)
    for name, text in units.items():
        (tmp_path / name).write_text(text)
    said = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / name) for name in units)], capture_output=True, text=True
    ).stderr
    assert [line for line in said.splitlines() if "freehold" in line and "docker.service" not in line] == []

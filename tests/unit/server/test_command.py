"""`freehold` on a server: whose it runs as, what it is told, and that words reach it whole."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.server.command import command_text
from freehold.server.layout import Layout

SAYS = '#!/bin/sh\nfor word in "$@"; do printf "[%s]" "$word"; done; echo; env\n'
WORDS = ("logs", "a run's", "$(id) `id`", "two\nlines", "")


class Here(Layout):
    """As if the project's user were the one that runs the test."""

    @property
    def user(self) -> str:
        return pwd.getpwuid(os.geteuid()).pw_name


def asked(folder: Path, *words: str, layout: Layout | None = None, **environment: str) -> list[str]:
    layout = layout or Here("shop", str(folder))
    program = Path(layout.program, "bin", "freehold")
    program.parent.mkdir(parents=True)
    program.write_text(SAYS)
    program.chmod(0o755)
    command = Path(layout.command)
    # Root would become its own user for ever; what is tested is what comes after.
    command.write_text(command_text(layout).replace('"$(id -u)" = 0', '"$(id -u)" = none'))
    command.chmod(0o755)
    done = subprocess.run([str(command), *words], capture_output=True, text=True, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


def test_words_reach_it_whole(tmp_path: Path) -> None:
    said = "\n".join(asked(tmp_path, *WORDS))
    assert said.startswith(f"[-p][{tmp_path}/shop/current]" + "".join(f"[{word}]" for word in WORDS) + "\n")


def test_it_is_told_where_the_state_is_and_nothing_of_the_persons_own(tmp_path: Path) -> None:
    said = asked(tmp_path, "status", FREEHOLD_HOME="/root/.freehold", PYTHONPATH="/tmp", TERM="xterm", FREEHOLD_ENV="x")
    assert {"FREEHOLD_HOME=/var/lib/freehold/shop/gateway-home", "FREEHOLD_PROJECT=shop", "TERM=xterm"} <= set(said)
    assert not any(line.startswith(("PYTHONPATH", "FREEHOLD_ENV")) for line in said)


class HereAsKeeper(Here):
    """The same, of the keeper's user."""

    @property
    def user(self) -> str:
        return "fh-shop"

    @property
    def keeper_user(self) -> str:
        return pwd.getpwuid(os.geteuid()).pw_name


@pytest.mark.parametrize("word", ["image", "doctor", "shell", "keeper"])
def test_what_needs_docker_is_the_keepers(tmp_path: Path, word: str) -> None:
    said = asked(tmp_path, word, "list", layout=HereAsKeeper("shop", str(tmp_path)))
    assert said[0].endswith(f"[{word}][list]")
    assert "FREEHOLD_HOME=/var/lib/freehold/shop/keeper-home" in said


@pytest.mark.parametrize("before", [("--json", "-q"), ("-E", "local"), ("--env", "doctor", "--json")])
def test_options_may_come_first(tmp_path: Path, before: tuple[str, ...]) -> None:
    said = asked(tmp_path, *before, "image", "list", layout=HereAsKeeper("shop", str(tmp_path)))
    assert said[0].endswith("".join(f"[{word}]" for word in (*before, "image", "list")))
    assert "FREEHOLD_HOME=/var/lib/freehold/shop/keeper-home" in said


@pytest.mark.parametrize("words", [("logs", "doctor"), ("--json", "logs", "shell"), ("-E", "image", "status"), ()])
def test_what_comes_later_is_no_command(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert "FREEHOLD_HOME=/var/lib/freehold/shop/gateway-home" in asked(tmp_path, *words)


@pytest.mark.parametrize("base", ["/opt/freehold", "/srv/a b/$(id)'s"])
def test_the_shell_can_read_it(base: str) -> None:
    done = subprocess.run(["sh", "-n"], input=command_text(Layout("shop", base)), text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def folder_for_all() -> Iterator[Path]:
    """One that another user may enter."""
    with tempfile.TemporaryDirectory(prefix="fh-command-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.root
@pytest.mark.parametrize("at_a_terminal", [True, False])
def test_roots_terminal_is_not_handed_on(folder_for_all: Path, at_a_terminal: bool) -> None:
    class Nobodys(Layout):
        @property
        def user(self) -> str:
            return "nobody"

    layout = Nobodys("shop", str(folder_for_all))
    program = Path(layout.program, "bin", "freehold")
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nid -un; tty\n")
    program.chmod(0o755)
    command = Path(layout.command)
    command.write_text(command_text(layout))
    command.chmod(0o755)
    words = ["script", "--quiet", "--return", "--command", f"tty; {command}", "/dev/null"]
    said = subprocess.run(
        words if at_a_terminal else [str(command)], capture_output=True, text=True, stdin=subprocess.DEVNULL
    ).stdout
    ours = [line.strip("\r\n\0^@\b ") for line in said.splitlines() if "/dev/pts" in line]
    assert "nobody" in said
    assert len(set(ours)) == (2 if at_a_terminal else 0), said

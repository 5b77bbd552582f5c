"""Which files of a project travel, whatever they are called."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.binding import binding
from freehold.deploy.release_files import read_release_files
from freehold.runtime.revision import Entry, Kind
from tests.support.folders import write_files

ODD = 'it\'s "odd"\n$(touch x) `id` ; -rf'


def paths(root: Path) -> list[str]:
    return [entry.path for entry in read_release_files(root, b"").manifest.entries if entry.kind is not Kind.FOLDER]


def test_what_is_private_or_of_this_machine_stays_here(tmp_path: Path) -> None:
    write_files(tmp_path, {
        "config.toml": "", ".env.toml": "secret", ".env": "secret", ".git/config": "x", ".freehold/state.db": "x",
        "agents/dev/SKILL.md": "x", "agents/dev/.env.local": "x", "agents/dev/.git/x": "x", "agents/dev/deep/.env": "x",
        "shared/a": "x", ".gitignore": "x",
    })  # fmt: skip
    assert paths(tmp_path) == [".env.toml", ".gitignore", "agents/dev/SKILL.md", "config.toml", "shared/a"]
    assert b"given" in read_release_files(tmp_path, b"given").sources.values()


def test_what_is_ignored_stays_here_for_the_project_and_for_single_agents(tmp_path: Path) -> None:
    write_files(tmp_path, {
        ".freeholdignore": "*.log\n/data/\nagents/dev/big", "a.log": "", "data/x": "", "agents/dev/data/x": "",
        "agents/dev/.freeholdignore": "cache/", "agents/dev/cache/x": "", "agents/dev/big": "",
        "agents/other/cache/x": "", "shared/.freeholdignore": "*.tmp", "shared/y.tmp": "", "shared/z": "",
        "apps/web/.freeholdignore": "kept.tmp", "apps/web/kept.tmp": "",
    })  # fmt: skip
    assert [path for path in paths(tmp_path) if "freeholdignore" not in path] == [
        ".env.toml", "agents/dev/data/x", "agents/other/cache/x", "apps/web/kept.tmp", "shared/z"
    ]  # fmt: skip


def test_every_name_that_is_text_travels(tmp_path: Path) -> None:
    write_files(tmp_path, {f"{ODD}/{ODD}": "x", "agents/dev/übung\t1": "y"})
    assert paths(tmp_path) == [".env.toml", "agents/dev/übung\t1", f"{ODD}/{ODD}"]


def test_a_name_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9")).write_text("x")
    with pytest.raises(FreeholdError, match=r"its name is no text") as caught:
        read_release_files(tmp_path, b"")
    assert caught.value.code is Code.CONFIG
    caught.value.message.encode()


def test_links_inside_are_kept_and_those_that_lead_out_are_refused(tmp_path: Path) -> None:
    write_files(tmp_path, {"p/shared/a": "x", "p/agents/dev/SKILL.md": "x", "outside": "x"})
    root = tmp_path / "p"
    (root / "agents/dev/a").symlink_to("../../shared/a")
    assert Entry("agents/dev/a", Kind.LINK, "../../shared/a") in read_release_files(root, b"").manifest.entries
    for target in ("../outside", "/etc/passwd"):
        (root / "away").unlink(missing_ok=True)
        (root / "away").symlink_to(target)
        with pytest.raises(FreeholdError, match="outside"):
            read_release_files(root, b"")


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FreeholdError, match="pipe is not a file"):
        read_release_files(tmp_path, b"")


def test_the_content_is_of_names_bytes_and_the_executable_bit(tmp_path: Path) -> None:
    write_files(tmp_path, {"a": "1", "b": "1"})
    before = read_release_files(tmp_path, b"").content
    os.utime(tmp_path / "a", (1, 1))
    assert read_release_files(tmp_path, b"").content == before
    assert read_release_files(tmp_path, b"x").content != before
    (tmp_path / "a").chmod(0o755)
    assert read_release_files(tmp_path, b"").content != before


def test_the_server_is_told_what_the_environment_lays_over() -> None:
    odd = "a \"name\"\nwith\\ $(all) of 'it'"
    table = {
        "server": {"host": "h"}, "gateway": {"url": odd}, "database_url": "postgresql://x", "environment": "prod",
        "projectName": "other", "telemetry": {"enabled": True, "headers": {"a": "b"}},
    }  # fmt: skip
    told = tomllib.loads(binding(odd, table).decode())
    assert told == {
        "projectName": odd, "gateway": {"url": odd}, "database_url": "postgresql://x",
        "telemetry": {"enabled": True, "headers": {"a": "b"}},
    }  # fmt: skip

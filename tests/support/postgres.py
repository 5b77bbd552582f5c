"""A PostgreSQL server of a test session's own, from Debian's package, on a unix socket alone."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any

_CLUSTERS = Path("/usr/lib/postgresql")


def programs() -> Path | None:
    """Where the server's programs are, of the newest version; None when PostgreSQL is not installed."""
    found = sorted(_CLUSTERS.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class Postgres:
    """Data and socket in `folder`. Nothing listens on the network; whoever reaches the folder may connect."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        bin_dir = programs()
        assert bin_dir is not None
        self._bin = bin_dir
        # It refuses to run as root, so root lends it the user that Debian's package made for it.
        self._as: dict[str, Any] = {}
        if os.getuid() == 0:
            account = pwd.getpwnam("postgres")
            self._as = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(folder, account.pw_uid, account.pw_gid)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def start(self) -> None:
        if not self._data.exists():
            self._run("initdb", "--pgdata", str(self._data), "--username", "freehold", "--auth", "trust", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories={self._folder} -c fsync=off"
        log = str(self._folder / "log")
        self._run("pg_ctl", "start", "--wait", "--pgdata", str(self._data), "--log", log, "--options", options)

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "--wait", "--pgdata", str(self._data), "--mode", "immediate")

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"test_{secrets.token_hex(6)}"
        self._run("createdb", "--host", str(self._folder), "--username", "freehold", name)
        return f"postgresql://freehold@/{name}?host={self._folder}"

    def _run(self, program: str, *words: str) -> None:
        command = [str(self._bin / program), *words]
        # pg_ctl leaves the server its output: a pipe would stay open for as long as the server runs.
        log = self._folder.parent / f"{self._folder.name}.commands"
        with log.open("ab") as out:
            done = subprocess.run(
                command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd="/", check=False, **self._as
            )
        assert done.returncode == 0, f"{command}\n{log.read_text()[-3000:]}"

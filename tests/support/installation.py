"""A project and a home of their own, and the `freehold` program as a person starts it: as a process."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from freehold.keeper.event_log import read_events
from freehold.keeper.history import EVENTS, RUNS
from freehold.keeper.record import RECORD_FILE, Record, RecordFile
from freehold.project.names import unique_project_name
from freehold.runtime.private_places import memory_base
from freehold.store.state_mark import claim_state
from freehold.wire import events as wire
from freehold.wire.events import AnyEvent
from tests.support.program import PROGRAM, Freehold

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
REHEARSED = '[models.rehearsed]\nprovider = "rehearsal"\nauthType = "api_key"\n'


def until(what: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    """Return once `what` is true; it is asked forty times a second."""
    deadline = time.monotonic() + patience_s
    while not what():
        assert time.monotonic() < deadline, f"{what} did not come true in {patience_s:.0f} s"
        time.sleep(0.025)


class Installation:
    """`project` and `home` lie in a folder of the test. `close` ends its keeper and removes what is left in Docker."""

    def __init__(self, folder: Path, name: str = "fhk") -> None:
        self.project, self.home = folder / name, folder / "home"
        self.project.mkdir(parents=True)
        self.home.mkdir()
        (self.project / "config.toml").write_text(REHEARSED)
        self.state = self.project / ".freehold"
        self.environment = {**Freehold(self.project, self.home).environment, "NO_COLOR": "1", "COLUMNS": "120"}

    @property
    def unique_name(self) -> str:
        return unique_project_name(self.project.name, self.project)

    def agent(self, name: str = "dev", *, script: str = "", rehearsal: str = "", **config: Any) -> Path:
        """An agent that runs `script` instead of a session, or plays `rehearsal`."""
        folder = self.project / "agents" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "SKILL.md").write_text(f"---\nname: {name}\ndescription: A test agent.\n---\nDo it.\n")
        settings = {"schedule": "0 * * * *", "timeout": 60, **config}
        if rehearsal:
            (folder / "rehearsal.yaml").write_text(rehearsal)
            settings.setdefault("models", ["rehearsed"])
        if script:
            path = folder / "test-script.sh"
            path.write_text(f"#!/bin/bash\n{script}")
            path.chmod(0o755)
        lines = [f"{key} = {_toml(value)}" for key, value in settings.items()]
        (folder / "config.toml").write_text("\n".join(lines) + "\n")
        return folder

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """`freehold WORDS` in the project, under way."""
        defaults: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
        command = [str(PROGRAM), "-p", str(self.project), *words]
        return subprocess.Popen(command, env=self.environment, text=True, **{**defaults, **options})

    def freehold(self, *words: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """`freehold WORDS`, waited for; `code` is the exit code that it must have (None: any)."""
        process = self.start(*words)
        try:
            out, err = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"freehold {words} did not end\n{out}\n{err}\n{self.log}") from None
        assert code is None or process.returncode == code, f"exit code {process.returncode}\n{out}\n{err}"
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def run(self, *words: str, code: int | None = 0) -> list[AnyEvent]:
        """`freehold run WORDS --json`: the events that it printed, checked to be whole."""
        return printed(self.freehold("run", *words, "--json", code=code).stdout)

    def make_state(self) -> None:
        """The folder of the project's state, before a keeper makes it."""
        claim_state(self.state, self.home)

    def mortal_keeper(self, where: str, **options: Any) -> subprocess.Popen[bytes]:
        """A keeper that dies at `where` (`mortal_keeper.py`), ready for clients."""
        self.make_state()
        with (self.state / "keeper.log").open("ab") as log:
            where_to = ["--project", str(self.project), "--home", str(self.home)]
            keeper = subprocess.Popen(
                [sys.executable, "-m", "tests.support.mortal_keeper", *where_to],
                env={**self.environment, "FREEHOLD_TEST_DIE": where, "PYTHONPATH": str(ROOT)},
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **options,
            )  # fmt: skip
        until(lambda: (self.state / "keeper.sock").exists() or keeper.poll() is not None)
        return keeper

    def events(self, run_id: str) -> list[AnyEvent]:
        return read_events(self.state / RUNS / run_id / EVENTS)

    def record(self, run_id: str) -> Record:
        return RecordFile.load(self.state / RUNS / run_id / RECORD_FILE).record

    def run_ids(self) -> list[str]:
        folder = self.state / RUNS
        return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []

    @property
    def log(self) -> str:
        path = self.state / "keeper.log"
        return path.read_text() if path.exists() else ""

    def docker(self, *words: str) -> list[str]:
        """The lines of `docker WORDS`, for things of this project."""
        label = f"label=dev.freehold.project={self.unique_name}"
        return subprocess.run(
            ["docker", *words, "--filter", label], check=True, capture_output=True, text=True
        ).stdout.split()

    @property
    def staged_secrets(self) -> list[Path]:
        """Credentials of this project's runs, wherever they are staged."""
        memory = memory_base(os.geteuid())
        found = list(self.state.glob("runs/*/credentials"))
        if memory is not None:
            ours = memory / f"freehold-{os.geteuid()}"
            found += [path for run_id in self.run_ids() for path in ours.glob(f"*/{run_id}")]
        return found

    @property
    def running_containers(self) -> list[str]:
        return self.docker("ps", "--quiet")

    @property
    def containers(self) -> list[str]:
        return self.docker("ps", "--all", "--quiet")

    def keeper_pid(self) -> int | None:
        """Who holds the keeper's lock; None when nobody does."""
        if not (self.state / "keeper.lock").exists():
            return None
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()
            if words[1] == "FLOCK" and int(words[5].rpartition(":")[2]) == (self.state / "keeper.lock").stat().st_ino:
                return int(words[4])
        return None

    def stop_keeper(self) -> None:
        """End the keeper and wait until it is gone; nothing happens when there is none."""
        lock = self.state / "keeper.lock"
        if not lock.exists():
            return
        self.freehold("keeper", "stop", code=None)
        with lock.open("a") as file:
            until(lambda: _is_free(file.fileno()))

    def close(self) -> None:
        self.stop_keeper()
        for container in self.containers:
            subprocess.run(["docker", "rm", "--force", container], check=True, capture_output=True)
        for volume in self.docker("volume", "ls", "--quiet"):
            subprocess.run(["docker", "volume", "rm", volume], check=True, capture_output=True)


def printed(text: str) -> list[AnyEvent]:
    """The events of `--json`; each once, numbered without gaps, one beginning and one end."""
    found = [wire.decode(line) for line in text.encode().splitlines()]
    assert [event.seq for event in found] == list(range(1, len(found) + 1))
    kinds = types(found)
    assert kinds[0] == "run.queued"
    assert kinds[-1] == "run.finished"
    assert kinds.count("run.queued") == kinds.count("run.finished") == 1
    assert kinds.count("run.started") <= 1
    lines = [number for event in found if (number := getattr(event, "container_seq", 0))]
    assert lines == list(range(1, len(lines) + 1))
    return found


def finished(events: list[AnyEvent]) -> wire.RunFinished:
    last = events[-1]
    assert isinstance(last, wire.RunFinished)
    return last


def types(events: list[AnyEvent]) -> list[str]:
    return [str(event.__struct_config__.tag) for event in events]


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(entry)}" for key, entry in value.items()) + "}"
    return json.dumps(value)


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

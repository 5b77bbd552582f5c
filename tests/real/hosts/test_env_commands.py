"""`freehold env …` and `-E`, as a person types them, against a real OpenSSH server of this machine."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from freehold.server.layout import STATE_BASE, Layout
from freehold.wire import events
from freehold.wire.runs import Result, Trigger, TriggerType, Usage
from freehold.wire.service import TriggerAccepted, TriggerDetail
from tests.support.fake_gateway import FakeGateway, Raw, listening_in
from tests.support.folders import one_agent, write_files
from tests.support.program import PROGRAM, Freehold
from tests.support.service_words import RUN, agent_view, project_status, trigger_view
from tests.support.ssh_server import SshServer, free_port, make_key, me, ssh_problem, ssh_server
from tests.support.terminal import at_terminal

pytestmark = pytest.mark.skipif(bool(ssh_problem()), reason=ssh_problem() or "-")
Typed = Callable[..., subprocess.CompletedProcess[str]]


FINISHED = events.RunFinished(
    seq=1, run_id=RUN, ts="2026-11-21T09:00:00.000Z", agent="dev", attempt=1, trigger=Trigger(TriggerType.MANUAL),
    result=Result.COMPLETED, exit_code=0, return_value=None, phases_s={}, usage=Usage(), cost_usd=0.0, error=None,
)  # fmt: skip


@dataclass
class Laptop:
    """A person's machine: a project, a home, a key; and `server`, which lets that key in."""

    program: Freehold
    server: SshServer
    key: Path

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.program(*words, timeout_s=90)

    @property
    def project(self) -> Path:
        return self.program.project

    @property
    def file(self) -> Path:
        return self.program.home / "environments/prod.toml"

    def add(self, *words: str) -> subprocess.CompletedProcess[str]:
        where = f"{me()}@127.0.0.1:{self.server.port}"
        return self("env", "add", where, "--name", "prod", "--key", str(self.key), *words)

    def added(self) -> None:
        done = self.add("--host-key", self.server.host_key.fingerprint)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    key = tmp_path / "key"
    public = make_key(key)
    name = f"fht-{os.getpid()}-shop"
    project = write_files(tmp_path / name, one_agent())
    (tmp_path / "user").mkdir()
    env = {"HOME": str(tmp_path / "user"), "NO_COLOR": "1", "COLUMNS": "200", "SSH_AUTH_SOCK": ""}
    with ssh_server(tmp_path / "sshd", public) as server:
        yield Laptop(Freehold(project, tmp_path / "home", env), server, key)


def test_add_shows_the_host_key_and_writes_nothing_before_it_is_accepted(laptop: Laptop) -> None:
    done = laptop.add()
    assert done.returncode == 1
    assert f"ssh-ed25519 {laptop.server.host_key.fingerprint}" in done.stderr
    assert not laptop.file.exists()
    done = laptop.add("--host-key", "SHA256:" + "x" * 43)
    assert done.returncode == 1
    assert "another host key" in done.stderr
    assert not laptop.file.exists()
    pasted = shlex.split(done.stderr.split("accept it: ")[1])
    assert (pasted[0], pasted[-1]) == ("freehold", laptop.server.host_key.fingerprint)
    done = laptop(*pasted[1:])
    assert (done.returncode, done.stdout) == (0, f"prod is {me()}@127.0.0.1:{laptop.server.port}: {laptop.file}\n")
    assert laptop.file.stat().st_mode & 0o777 == 0o600
    assert f'hostKey = "{laptop.server.host_key}"' in laptop.file.read_text()
    assert "environment prod is there already" in laptop.add().stderr


def test_the_host_key_is_asked_for_at_a_terminal(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in laptop.program.env.items():
        monkeypatch.setenv(name, value)
    words = ["env", "add", f"{me()}@127.0.0.1", "--port", str(laptop.server.port), "--name", "prod"]
    words += ["--key", str(laptop.key)]
    for answer, code in (("n", 1), ("y", 0)):
        ended, shown = at_terminal(
            words, [("Accept the host key", answer)], home=laptop.program.home, folder=laptop.project
        )
        assert (ended, laptop.file.exists()) == (code, code == 0), shown
        assert laptop.server.host_key.fingerprint in shown
        assert "accept it: " not in shown.partition("Accept the host key")[0], "the question is that"


def test_add_of_a_server_that_is_not_there(laptop: Laptop) -> None:
    done = laptop("env", "add", f"{me()}@127.0.0.1", "--port", str(free_port()), "--name", "gone")
    assert done.returncode == 5
    assert "gone cannot be reached" in done.stderr
    assert not laptop.file.parent.exists()


def test_a_changed_host_key_is_accepted_by_its_name_alone(laptop: Laptop) -> None:
    laptop.added()
    laptop.server.stop()
    laptop.server.new_host_key()
    laptop.server.start()
    done = laptop("env", "check", "prod", "--json")
    ssh, *others = json.loads(done.stdout)["checks"]
    assert (done.returncode, ssh["name"], ssh["state"]) == (1, "ssh", "fail")
    assert {other["state"] for other in others} == {"skip"}
    fingerprint = laptop.server.host_key.fingerprint
    assert f"freehold env check prod --host-key {fingerprint}" in ssh["hint"]
    assert "another host key" in laptop("-E", "prod", "status").stderr
    laptop("env", "check", "prod", "--host-key", fingerprint)
    assert f'hostKey = "{fingerprint}"' in laptop.file.read_text()
    done = laptop("env", "check", "prod", "--json")
    assert json.loads(done.stdout)["checks"][0]["state"] == "pass"


def test_check_tells_each_thing(laptop: Laptop) -> None:
    laptop.added()
    done = laptop("env", "check", "prod", "--json")
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert list(checks) == [
        "ssh", "sudo", "system", "systemd", "python", "docker", "disk", "memory", "clock", "ports", "gateway",
        "ssh hardened", "fail2ban running", "firewall", "journal bounded",
        "edge", "certificate", "redirect", "host name", "https", "webhooks",
    ]  # fmt: skip
    states = {name: check["state"] for name, check in checks.items()}
    assert (states["ssh"], states["python"], states["clock"], states["gateway"]) == ("pass", "pass", "pass", "skip")
    assert done.returncode == int("fail" in states.values())
    assert "✓ clock: its clock is right" in laptop("env", "check", "prod").stdout
    laptop.server.stop()
    done = laptop("env", "check", "prod")
    assert done.returncode == 5
    assert "✗ ssh: prod cannot be reached" in done.stdout


@contextlib.contextmanager
def pushed(project: Path) -> Iterator[FakeGateway]:
    """The project's gateway as it is after a push to this machine: behind its socket below /var/lib/freehold."""
    layout = Layout(project.name)
    there = project.parent / "there"
    there.mkdir()
    Path(layout.state).mkdir(parents=True)
    Path(layout.gateway_state).symlink_to(there / ".freehold")
    try:
        with listening_in(there) as gateway:
            yield gateway
    finally:
        shutil.rmtree(layout.state)
        with contextlib.suppress(OSError):
            Path(STATE_BASE).rmdir()


@pytest.mark.root
def test_commands_reach_the_project_on_the_server(laptop: Laptop) -> None:
    laptop.added()
    done = laptop("-E", "prod", "status")
    assert done.returncode == 5
    assert done.stderr.startswith(f"error: {laptop.project.name} is not running on prod\n  Push it there")
    agent = laptop("status", "-E", "prod", "-p", str(laptop.project / "agents" / "dev"))
    assert "is an agent's folder, not a project's" in agent.stderr
    assert "freehold push" not in agent.stderr, "it would not be pushed from there"
    with pushed(laptop.project) as gateway:
        gateway.replies["GET /status"] = project_status(agent_view())
        for words in (["-E", "prod", "status"], ["status", "-E", "prod"]):
            done = laptop(*words)
            assert (done.returncode, done.stderr) == (0, "")
            assert done.stdout.startswith("shop: running since")
        gateway.replies |= {
            "POST /agents/dev/trigger": TriggerAccepted(trigger_id="t1", agent="dev", waiting=0),
            "GET /triggers/t1": TriggerDetail(trigger=trigger_view("running", run_id=RUN), attempts=[]),
            f"GET /runs/{RUN}/events": Raw(b"id: 1\ndata: %s\n\n" % events.encode(FINISHED)),
        }
        done = laptop("-E", "prod", "run", "dev", "hello")
        assert done.returncode == 0, done.stderr
        assert json.loads(gateway.asked[-3].body) == {"prompt": "hello"} | json.loads(gateway.asked[-3].body)
        assert gateway.asked[-3].line == "POST /agents/dev/trigger"
        assert "local" in laptop("-E", "prod", "run", "dev", "--rehearse").stderr


@pytest.mark.root
def test_a_bound_project_needs_no_flag(laptop: Laptop) -> None:
    laptop.added()
    assert laptop("env", "set", "prod").stdout == "this project is bound to prod\n"
    with pushed(laptop.project) as gateway:
        gateway.replies["GET /status"] = project_status(agent_view())
        assert laptop("status").returncode == 0
        assert len(gateway.asked) == 1
        assert "Start it: freehold start" in laptop("status", "-E", "local").stderr
        assert len(gateway.asked) == 1
    assert laptop("env", "set", "--none").returncode == 0
    assert "Start it: freehold start" in laptop("status").stderr


def test_resolution_flag_then_variable_then_binding(laptop: Laptop) -> None:
    for name in ("one", "two", "three"):
        laptop("env", "init", name)
        text = (laptop.file.parent / f"{name}.toml").read_text()
        (laptop.file.parent / f"{name}.toml").write_text(text.replace("REPLACE_ME", f"{name}.example.com"))
    laptop("env", "set", "one")
    shown = [json.loads(laptop("env", "show", "--json").stdout)["host"]]
    laptop.program.env["FREEHOLD_ENV"] = "two"
    shown.append(json.loads(laptop("env", "show", "--json").stdout)["host"])
    shown.append(json.loads(laptop("env", "show", "-E", "three", "--json").stdout)["host"])
    assert shown == ["one.example.com", "two.example.com", "three.example.com"]


def test_a_follower_is_interrupted(laptop: Laptop) -> None:
    """Ctrl-C ends a command that waits for a server which says nothing any more."""
    laptop.added()
    laptop.server.freeze()
    environment = laptop.program.environment
    words = [str(PROGRAM), "-p", str(laptop.project), "-E", "prod", "status"]
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(3)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130, said


JOURNALCTL = """\
#!/bin/sh
# As systemd's own: three lines, or those after a cursor; with -f it stays.
printf '%s\\n' "$*" >> "$0.asked"
after=0 follow=
for word in "$@"; do
  case $word in --after-cursor=c*) after=${word#--after-cursor=c} ;; -f) follow=1 ;; esac
done
for number in 1 2 3; do
  [ "$number" -le "$after" ] || printf '{"__CURSOR":"c%d","__REALTIME_TIMESTAMP":"1763712000000000",\
"_SYSTEMD_UNIT":"freehold-keeper@x.service","MESSAGE":"line %d"}\\n' "$number" "$number"
  [ "$number" = 2 ] && [ -n "$follow" ] && [ "$after" = 0 ] && exec sleep 60
done
exit 0
"""


@pytest.fixture
def journal(laptop: Laptop, tmp_path: Path) -> Path:
    """`journalctl` of the server, where there is no systemd; what it was asked."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "journalctl").write_text(JOURNALCTL)
    (programs / "journalctl").chmod(0o755)
    laptop.server.stop()
    laptop.server.settings = f"SetEnv HOME={laptop.server.folder} PATH={programs}:/usr/bin:/bin\n"
    laptop.server.start()
    laptop.added()
    return programs / "journalctl.asked"


@pytest.mark.root
def test_the_journal_of_the_projects_services_alone(laptop: Laptop, journal: Path) -> None:
    done = laptop("env", "logs", "prod", "-n", "7")
    assert [line.split(" ", 2)[2] for line in done.stdout.splitlines()] == [f"keeper: line {n}" for n in (1, 2, 3)]
    layout = Layout(laptop.project.name)
    units = f"-u {layout.service} -u {layout.keeper} -u {layout.socket}"
    assert journal.read_text() == f"--no-pager --quiet -o json {units} -n 7\n"
    lines = [json.loads(line) for line in laptop("env", "logs", "prod", "--json").stdout.splitlines()]
    assert [line["message"] for line in lines] == ["line 1", "line 2", "line 3"]


@pytest.mark.root
def test_following_goes_on_after_the_last_line_when_the_connection_broke(laptop: Laptop, journal: Path) -> None:
    words = [str(PROGRAM), "-p", str(laptop.project), "env", "logs", "prod", "-f"]
    with subprocess.Popen(words, env=laptop.program.environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        shown = [process.stdout.readline(), process.stdout.readline()]
        laptop.server.stop()
        laptop.server.start()
        shown.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
    assert [line.rpartition(": ")[2] for line in shown] == ["line 1\n", "line 2\n", "line 3\n"]
    assert journal.read_text().count("--after-cursor=c2") == 1

"""`freehold shell`: looking around where an agent works, with its mounts, its network and its credentials."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.folders import write_files
from tests.support.program import Freehold, freehold_in
from tests.support.terminal import at_terminal

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("shell")]


@pytest.fixture(scope="module")
def freehold(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Freehold]:
    folder = tmp_path_factory.mktemp("shell")
    project = write_files(
        folder / "shop",
        {
            "config.toml": '[models.main]\nprovider = "anthropic"\nmodel = "m-1"\n',
            "agents/dev/SKILL.md": "---\nname: dev\ndescription: Works.\n---\nWork.\n",
            "agents/dev/config.toml": 'models = ["main"]\ncredentials = ["sentry_token"]\n',
            "agents/busy/SKILL.md": "---\nname: busy\ndescription: Works for long.\n---\nWork.\n",
            "agents/busy/test-script.sh": "#!/bin/sh\nfh status working\nsleep 600\n",
        },
    )
    with freehold_in(project, folder / "home") as program:
        program("creds", "add", "sentry_token", "--field", "token=-", stdin="canary-of-sentry\n")
        yield program


def test_a_command_sees_what_the_agent_sees_and_its_exit_code_comes_back(freehold: Freehold) -> None:
    look = "id -u; pwd; ls /app/agent; echo $SENTRY_AUTH_TOKEN; touch /workspace/x && echo kept; exit 3"
    done = freehold("shell", "dev", "--", "sh", "-c", look)
    assert done.returncode == 3, done.stderr
    assert done.stdout.split() == ["1000", "/tmp", "SKILL.md", "config.toml", "canary-of-sentry", "kept"]


def test_a_shell_ends_with_what_is_piped_into_it(freehold: Freehold) -> None:
    done = freehold("shell", "dev", stdin="echo $((6 * 7))\n", timeout_s=60)
    assert (done.returncode, "\n42" in done.stdout.replace("\r", "\n").replace("\x1b[?2004l", "")) == (0, True)


@pytest.mark.parametrize(("command", "code", "why"), [("nowhere", 127, "No such file"), ("/etc/passwd", 126, "denied")])
def test_a_command_that_cannot_be_started_is_one_line(freehold: Freehold, command: str, code: int, why: str) -> None:
    done = freehold("shell", "dev", "--", command)
    assert done.returncode == code
    said = (done.stdout + done.stderr).splitlines()
    assert len([line for line in said if line.startswith(f"fh: {command}: ") and why in line]) == 1
    assert "Traceback" not in "".join(said)


def test_the_network_is_the_agents(freehold: Freehold) -> None:
    done = freehold("shell", "dev", "--", "curl", "--silent", "--show-error", "https://not-listed.example/")
    assert done.returncode == 56
    assert "403" in done.stdout


def test_the_kernel_is_asked_for_no_more_than_by_the_agent(freehold: Freehold) -> None:
    """What is started beside the runner (`docker exec`) does not have its filter of system calls by itself."""
    look = "import socket; socket.socket(40, socket.SOCK_STREAM)  # AF_VSOCK"
    done = freehold("shell", "dev", "--", "python3", "-c", look)
    assert "Address family not supported" in done.stdout + done.stderr


def test_a_terminal_at_a_terminal(freehold: Freehold) -> None:
    dialogue = [("/tmp$ ", "setenv A 1"), ("/tmp$ ", "echo A is $A"), ("A is 1", "exit")]
    code, shown = at_terminal(["shell", "dev"], dialogue, home=freehold.home, folder=freehold.project)
    assert code == 0, shown


def test_a_run_under_way_can_be_looked_into(freehold: Freehold) -> None:
    started = freehold("run", "busy", "--detach")
    run_id = started.stdout.strip()
    try:
        refused = freehold("shell", "busy", "--", "true")
        assert refused.returncode == 1
        assert "freehold shell RUN" in refused.stderr
        looked = freehold("shell", run_id[-8:], "--", "sh", "-c", "echo $FREEHOLD_RUN_ID")
        assert looked.stdout.strip() == run_id, looked.stderr
    finally:
        freehold("kill", run_id)


def test_an_agent_that_is_not_there(freehold: Freehold) -> None:
    done = freehold("shell", "nobody", "--", "true")
    assert done.returncode == 1
    assert "nobody" in done.stderr

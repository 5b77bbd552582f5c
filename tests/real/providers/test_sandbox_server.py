"""A sandbox is a server: SSH, systemd, Docker, an address; it survives a reboot, and leaves nothing behind."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.installation import until
from tests.support.program import PROGRAM
from tests.support.sandbox import SandboxServer, sandbox_server, tiny_image_command

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout.strip()


def listed(sandbox: SandboxServer, name: str) -> dict[str, str]:
    found: list[dict[str, str]] = json.loads(sandbox.freehold("sandbox", "list", "--json").stdout)
    return next(one for one in found if one["name"] == name)


def answers(sandbox: SandboxServer) -> bool:
    return sandbox.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")


def test_words_reach_the_server_as_they_are_and_its_status_comes_back(sandbox: SandboxServer) -> None:
    words = ("a b", "$(id)", "it's", "", "x\ny", "*")
    assert sandbox.run("printf", "<%s>", *words).stdout == "".join(f"<{word}>" for word in words)
    assert sandbox.run("echo $((1 + 1)); exit 7").stdout.strip() == "2"
    assert sandbox.run("exit 7").returncode == 7


def test_it_is_a_server_that_came_up_whole(sandbox: SandboxServer) -> None:
    failed = sandbox.says("systemctl", "list-units", "--failed", "--plain", "--no-legend").splitlines()
    # What other tests pushed there may have been meant to fail.
    assert [line for line in failed if not line.startswith("freehold")] == []
    assert sandbox.says("hostname") == sandbox.name
    assert "systemd" in sandbox.says("cat", "/proc/1/comm")
    assert sandbox.says("journalctl", "--no-pager", "--unit", "ssh", "--lines", "1")
    for program in ("python3", "sudo", "curl", "nft", "ip", "haproxy", "fail2ban-server", "docker"):
        assert sandbox.says(f"command -v {program}"), program


def test_docker_inside_runs_containers_on_overlay2(sandbox: SandboxServer) -> None:
    assert sandbox.says("docker", "info", "--format", "{{.Driver}}") == "overlay2"
    sandbox.says(tiny_image_command())
    limits = ("--memory", "64m", "--network", "none", "--read-only", "--cap-drop", "ALL")
    assert sandbox.says("docker", "run", "--rm", *limits, "tiny", "/bin/sh", "-c", "echo inside") == "inside"


def test_only_the_key_lets_in(sandbox: SandboxServer) -> None:
    settings = dict(line.split(" ", 1) for line in sandbox.says("sshd", "-T").splitlines() if " " in line)
    assert settings["passwordauthentication"] == settings["kbdinteractiveauthentication"] == "no"
    assert sandbox.says("getent", "shadow", "root").split(":")[1] == "*"
    other = subprocess.run(
        [
            "ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
            "-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes", "-o", "IdentityFile=none",
            "-l", "root", sandbox.address, "true",
        ],
        capture_output=True, text=True,
    )  # fmt: skip
    assert other.returncode == 255
    assert "Permission denied (publickey)" in other.stderr


def test_its_host_key_is_its_own_and_pinned(sandbox: SandboxServer) -> None:
    key = sandbox.says("cat", "/etc/ssh/ssh_host_ed25519_key.pub").split()[:2]
    assert (sandbox.home / "known_hosts").read_text().split() == [sandbox.address, *key]
    shown = json.loads(sandbox.freehold("env", "show", "box", "--json").stdout)
    assert (shown["host"], shown["user"], shown["provider"]) == (sandbox.address, "root", "sandbox")
    assert shown["host_key"]


def test_nothing_is_published_and_no_right_is_given_beyond_the_list(sandbox: SandboxServer) -> None:
    shown = json.loads(docker("inspect", sandbox.container))[0]
    assert shown["HostConfig"]["Privileged"] is False
    assert not shown["HostConfig"]["PortBindings"]
    assert not any(shown["NetworkSettings"]["Ports"].values())
    assert (sandbox.home / "credentials/vps_ssh/default/private_key").read_text() not in json.dumps(shown)


def test_the_machines_kernel_is_left_as_it_was(sandbox: SandboxServer) -> None:
    done = sandbox.run("systemctl", "is-enabled", "systemd-sysctl.service")
    assert done.stdout.strip() == "masked"


@pytest.mark.parametrize("how", ["docker restart", "reboot"])
def test_what_is_there_outlives_a_reboot(sandbox: SandboxServer, how: str) -> None:
    sandbox.says("echo kept > /root/kept")
    sandbox.says(tiny_image_command())
    before = docker("inspect", "--format", "{{.State.StartedAt}}", sandbox.container)
    if how == "reboot":
        sandbox.run("reboot")
    else:
        docker("restart", sandbox.container)
    until(lambda: docker("inspect", "--format", "{{.State.StartedAt}}", sandbox.container) != before)
    until(lambda: answers(sandbox))
    assert listed(sandbox, sandbox.name)["address"] == sandbox.address
    assert sandbox.says("cat", "/root/kept") == "kept"
    assert sandbox.says("docker", "run", "--rm", "tiny", "/bin/sh", "-c", "echo again") == "again"


def test_a_name_that_is_taken_is_refused_and_the_sandbox_stays(sandbox: SandboxServer) -> None:
    again = sandbox.freehold("sandbox", "create", sandbox.name)
    assert again.returncode == 1
    assert f"there is a sandbox {sandbox.name} already" in again.stderr
    assert answers(sandbox)


def test_one_that_does_not_boot_in_time_is_told_and_removed(sandbox: SandboxServer) -> None:
    name = f"{sandbox.name}-slow"
    done = sandbox.freehold("sandbox", "create", name, "--wait", "1", "--cpus", "0.1")
    assert done.returncode == 1
    assert "still waiting for" in done.stderr
    assert name not in docker("ps", "--all", "--format", "{{.Names}}")
    assert name not in docker("volume", "ls", "--quiet")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_maker_that_is_stopped_leaves_nothing_or_what_remove_takes(
    sandbox: SandboxServer, number: signal.Signals, status: int
) -> None:
    name = f"{sandbox.name}-stopped"
    maker = subprocess.Popen(
        [PROGRAM, "sandbox", "create", name], env=sandbox.freehold.environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until(lambda: name in docker("ps", "--all", "--format", "{{.Names}}"))
    maker.send_signal(number)
    maker.communicate(timeout=60)
    assert maker.returncode == status
    if number == signal.SIGKILL:
        assert listed(sandbox, name)["state"] in ("running", "incomplete")
        assert sandbox.freehold("sandbox", "remove", name, "--yes").returncode == 0
    assert name not in docker("ps", "--all", "--format", "{{.Names}}")
    assert name not in docker("volume", "ls", "--quiet")


@pytest.mark.parametrize("left", ["container", "volume"])
def test_what_a_killed_maker_left_is_listed_and_removed(sandbox: SandboxServer, left: str) -> None:
    name = f"{sandbox.name}-half"
    label = ("--label", f"dev.freehold.sandbox={name}")
    docker("volume", "create", *label, f"fh-sandbox-{name}-docker")
    if left == "container":
        image = docker("inspect", "--format", "{{.Config.Image}}", sandbox.container)
        docker("create", "--name", f"fh-sandbox-{name}", *label, image)
    assert listed(sandbox, name)["state"] == "incomplete"
    assert "does not run (incomplete)" in sandbox.freehold("sandbox", "ssh", name).stderr

    removed = sandbox.freehold("sandbox", "remove", name, "--yes")
    assert removed.returncode == 0, removed.stderr
    assert name not in docker("ps", "--all", "--format", "{{.Names}}")
    assert name not in docker("volume", "ls", "--quiet")
    again = sandbox.freehold("sandbox", "remove", name, "--yes")
    assert f'there is no sandbox "{name}"' in again.stderr
    assert sandbox.name in again.stderr


def test_removing_asks_and_names_what_it_would_take(sandbox: SandboxServer) -> None:
    done = sandbox.freehold("sandbox", "remove", sandbox.name, "--no-input")
    assert done.returncode == 2
    assert sandbox.name in done.stderr
    assert answers(sandbox)


def test_debian_13_boots_and_nothing_of_it_is_left_when_it_is_removed(sandbox: SandboxServer, tmp_path: Path) -> None:
    with sandbox_server(tmp_path, "--debian", "13", "--memory", "1g", called="-short") as trixie:
        assert trixie.address != sandbox.address
        assert 'VERSION_ID="13"' in trixie.says("cat", "/etc/os-release")
        assert trixie.says("systemctl", "is-system-running") == "running"
        trixie.says(tiny_image_command())
        assert trixie.says("docker", "run", "--rm", "-m", "64m", "tiny", "/bin/sh", "-c", "echo inside") == "inside"
        name, address, home = trixie.name, trixie.address, trixie.home
    for kind in (("ps", "--all", "--format", "{{.Names}}"), ("volume", "ls", "--quiet")):
        assert name not in docker(*kind)
    assert list((home / "environments").iterdir()) == []
    assert address not in (home / "known_hosts").read_text()
    with pytest.raises(OSError, match=r".*"), socket.create_connection((address, 22), timeout=2):
        pass

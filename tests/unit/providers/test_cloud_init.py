"""The document of a first boot: YAML that says what it should, in every supported distribution."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from freehold.base.errors import FreeholdError
from freehold.base.safe_yaml import load_yaml
from freehold.providers.cloud_init import SSH_PORT_FILE, FirstBoot, cloud_config, host_key_fingerprint_in
from freehold.providers.offer import SUPPORTED_IMAGES
from freehold.server import layout
from tests.support.cloud_worlds import KEY, OTHER_KEY

BOOT = FirstBoot("fh-prod-abcd1234", (f"{KEY} me@laptop",))


def document(boot: FirstBoot) -> Any:
    text = cloud_config(boot)
    assert text.startswith("#cloud-config\n")
    assert len(text) < 32 * 1024  # Hetzner takes no more
    return load_yaml(text)


def files(boot: FirstBoot) -> dict[str, str]:
    return {file["path"]: file["content"] for file in document(boot)["write_files"]}


def scripts(boot: FirstBoot) -> str:
    commands = document(boot)["runcmd"]
    assert all(command[:2] == ["sh", "-c"] for command in commands)
    return "\n".join(command[2] for command in commands)


@pytest.mark.parametrize(("distribution", "version"), SUPPORTED_IMAGES)
def test_every_distribution_gets_docker_python_and_no_passwords(distribution: str, version: str) -> None:
    boot = FirstBoot("host", (KEY,), distribution, version)
    made = document(boot)

    assert {"docker.io", "python3", "fail2ban", "python3-systemd"} <= set(made["packages"])
    assert made["ssh_pwauth"] is False
    assert made["users"] == [{"name": "root", "ssh_authorized_keys": [KEY]}]
    assert "PasswordAuthentication no" in files(boot)[layout.SSHD_FILE]
    assert "backend = systemd" in files(boot)[layout.FAIL2BAN_FILE]
    assert all(file["permissions"] == "0644" for file in made["write_files"])
    assert "usermod -p '*' root" in scripts(boot)


def test_only_debian_13_needs_the_client_by_name() -> None:
    named = {pair: "docker-cli" in document(FirstBoot("host", (KEY,), *pair))["packages"] for pair in SUPPORTED_IMAGES}
    assert named == {("debian", "12"): False, ("debian", "13"): True, ("ubuntu", "24.04"): False}


def test_only_ubuntu_has_systemd_listen_for_ssh() -> None:
    assert "ssh.socket" in scripts(FirstBoot("host", (KEY,), "ubuntu", "24.04"))
    assert "ssh.socket" not in scripts(BOOT)


def test_port_is_in_a_file_that_no_push_writes_and_in_the_jail() -> None:
    moved = files(FirstBoot("host", (KEY,), ssh_port=2222))
    assert moved[SSH_PORT_FILE] == "Port 2222\n"
    assert "port = 2222\n" in moved[layout.FAIL2BAN_FILE]
    assert moved[layout.SSHD_FILE] == files(BOOT)[layout.SSHD_FILE]
    assert SSH_PORT_FILE not in files(BOOT)


@pytest.mark.parametrize(("distribution", "version"), SUPPORTED_IMAGES)
def test_every_script_is_a_shells(distribution: str, version: str) -> None:
    subprocess.run(["sh", "-n"], input=scripts(FirstBoot("h", (KEY,), distribution, version)), text=True, check=True)


def test_what_somebody_chose_is_never_in_a_script() -> None:
    plain = scripts(BOOT)
    assert scripts(FirstBoot("$(reboot)", (f"{OTHER_KEY} $(reboot)\u2028'",), ssh_port=2222)) == plain


def test_comments_of_keys_stay_at_home() -> None:
    assert "me@laptop" not in cloud_config(BOOT)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAAB\n",
        f"{KEY}\n{OTHER_KEY}",
        f'command="id" {KEY}',
        "ssh-ed25519 not*base64",
    ],
)
def test_anything_but_a_public_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(FreeholdError) as caught:
        cloud_config(FirstBoot("host", (key,)))
    assert "b3Blbn" not in str(caught.value) + caught.value.hint


def test_fingerprint_is_read_from_a_console() -> None:
    """As cloud-init 22.4.2 of Debian 12 wrote it."""
    line = "<14>Nov 21 08:53:18 cloud-init: {bits} SHA256:{prints} root@fh-prod-abcd1234 ({kind})\r\n"
    ed25519 = "hR1hIZxcnxLkgl6ScLeFn2Pab1Ut+7tqKXltqGi7yaw"
    console = (
        "[   12.3] noise\r\n<14>Nov 21 08:53:17 cloud-init: -----BEGIN SSH HOST KEY FINGERPRINTS-----\r\n"
        + line.format(bits=256, prints="B" * 43, kind="ECDSA")
        + line.format(bits=256, prints=ed25519, kind="ED25519")
        + line.format(bits=3072, prints="C" * 43, kind="RSA")
    )
    assert host_key_fingerprint_in(console) == f"SHA256:{ed25519}"
    assert host_key_fingerprint_in("login: ") is None

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from freehold.project.credential import CredentialField
from freehold.project.credential_value import value_problem
from freehold.project.private_key import private_key_problem


def made(folder: Path, *options: str) -> str:
    path = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-f", str(path), *options], check=True, stdin=subprocess.DEVNULL)
    return path.read_text()


FREE = [("-t", "ed25519"), ("-t", "ecdsa"), ("-t", "rsa", "-b", "2048", "-m", "PEM"), ("-t", "rsa", "-b", "2048")]


@pytest.mark.parametrize("options", FREE)
def test_a_key_without_passphrase_serves(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert private_key_problem(made(tmp_path, "-N", "", *options)) == ""


LOCKED = [("-t", "ed25519"), ("-t", "rsa", "-b", "2048", "-m", "PEM"), ("-t", "rsa", "-b", "2048", "-m", "PKCS8")]


@pytest.mark.parametrize("options", LOCKED)
def test_a_key_with_a_passphrase_does_not(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert private_key_problem(made(tmp_path, "-N", "secret phrase", *options)).startswith("has a passphrase")


NONE = [
    ("ssh-ed25519 AAAAC3 me", "is a public key; the private one is needed (the file without .pub)"),
    ("hello", "is not a private key; it begins with a line `-----BEGIN ... PRIVATE KEY-----`"),
    (
        "-----BEGIN OPENSSH PRIVATE KEY-----\nQUJD\n-----END OPENSSH PRIVATE KEY-----",
        "is damaged: it does not hold what an OpenSSH key holds",
    ),
    (
        "-----BEGIN OPENSSH PRIVATE KEY-----\n***\n-----END OPENSSH PRIVATE KEY-----",
        "is damaged: it does not hold what an OpenSSH key holds",
    ),
]


@pytest.mark.parametrize(("text", "problem"), NONE)
def test_what_is_no_private_key(text: str, problem: str) -> None:
    assert private_key_problem(text) == problem


VALUES = [
    (CredentialField("token", "Token"), "abc", ""),
    (CredentialField("token", "Token"), " \n", "is empty"),
    (CredentialField("token", "Token"), "a\0b", "holds a zero byte"),
    (CredentialField("token", "Token"), "a\nb", "has more than one line"),
    (CredentialField("token", "Token", shortest=8), "abc", "is too short: at least 8 characters are needed"),
    (CredentialField("key_json", "Key", multiline=True), '{"a":\n1}', ""),
    (CredentialField("hosts", "Hosts"), "proxy.example.com, other.example.com", ""),
    (
        CredentialField("hosts", "Hosts"),
        "https://a.example",
        'is no list of hosts: "https://a.example" is an address or',
    ),
    (
        CredentialField("key_json", "Key", multiline=True),
        "[1]",
        "is not a JSON object; store the whole file that was downloaded",
    ),
]


@pytest.mark.parametrize(("field", "value", "problem"), VALUES)
def test_values(field: CredentialField, value: str, problem: str) -> None:
    assert value_problem(field, value)[: len(problem) or None] == problem

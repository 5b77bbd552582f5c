"""Logging in to real OpenSSH servers: keys, agents, jump hosts, host keys, and what goes wrong."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.hosts.failures import ChangedHostKeyError, UnknownHostKeyError
from freehold.hosts.host import Command
from freehold.hosts.ssh_host import SshHost, open_ssh_host
from freehold.hosts.target import Target
from freehold.project.host_key import Pin
from freehold.store.known_hosts import KnownHosts
from tests.support.host_users import kill_processes_of
from tests.support.ssh_server import SshServer, free_port, make_key, me, ssh_agent, ssh_problem, ssh_server

pytestmark = pytest.mark.skipif(bool(ssh_problem()), reason=ssh_problem() or "-")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    make_key(tmp_path / "key")
    return tmp_path / "key"


@pytest.fixture
def user_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of whoever runs `ssh`: with nothing in it, and no agent."""
    home = tmp_path / "user"
    (home / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return home


@pytest.fixture
def server(tmp_path: Path, key: Path, user_home: Path) -> Iterator[SshServer]:
    with ssh_server(tmp_path / "sshd", Path(f"{key}.pub").read_text().strip()) as server:
        yield server


@pytest.fixture
def known(tmp_path: Path) -> KnownHosts:
    return KnownHosts(tmp_path / "home")


def target_of(server: SshServer, key: Path | str = "", **fields: object) -> Target:
    pin = Pin.parse(str(server.host_key))
    given = {"host": "127.0.0.1", "name": "prod", "user": me(), "port": server.port, "key_path": str(key), "pin": pin}
    return Target(**{**given, **fields})  # type: ignore[arg-type]


async def words_of(target: Target, known: KnownHosts) -> str:
    host = await open_ssh_host(target, known)
    try:
        return (await host.run(Command(("echo", "here")))).text
    finally:
        await host.close()


async def failure(target: Target, known: KnownHosts) -> FreeholdError:
    with pytest.raises(FreeholdError) as raised:
        await open_ssh_host(target, known)
    return raised.value


async def test_a_pinned_fingerprint_is_enough(server: SshServer, key: Path, known: KnownHosts) -> None:
    pin = Pin.parse(server.host_key.fingerprint)
    assert await words_of(target_of(server, key, pin=pin), known) == "here"


async def test_the_first_meeting_shows_the_key_and_sends_nothing(
    server: SshServer, key: Path, known: KnownHosts
) -> None:
    error = await failure(target_of(server, key, pin=None), known)
    assert isinstance(error, UnknownHostKeyError)
    assert (error.place, error.key) == (server.place, server.host_key)
    assert server.host_key.fingerprint in error.message
    assert f"--host-key {server.host_key.fingerprint}" in error.hint
    assert "Accepted publickey" not in server.log
    known.pin(error.place, error.key)
    assert await words_of(target_of(server, key, pin=None), known) == "here"
    assert known.path.stat().st_mode & 0o777 == 0o600


async def test_what_ssh_itself_trusts_is_no_first_meeting(  # and what it would refuse is refused
    server: SshServer, key: Path, known: KnownHosts, user_home: Path
) -> None:
    file = user_home / ".ssh/known_hosts"
    file.write_text(f"{server.place} {server.host_key}\n")
    hash_names(file)
    assert server.place not in file.read_text()
    assert await words_of(target_of(server, key, pin=None), known) == "here"
    server.stop()
    server.new_host_key()
    server.start()
    error = await failure(target_of(server, key, pin=None), known)
    assert isinstance(error, ChangedHostKeyError)
    assert str(file) in error.message


def hash_names(known_hosts: Path) -> None:
    """As Debian's `ssh` keeps the file."""
    subprocess.run(["ssh-keygen", "-H", "-f", str(known_hosts)], check=True, capture_output=True)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
async def test_a_changed_host_key_is_refused_with_both_fingerprints(
    server: SshServer, key: Path, known: KnownHosts, kind: str
) -> None:
    before = server.host_key
    known.pin(server.place, before)
    server.stop()
    server.new_host_key(kind)
    server.start()
    for target in (target_of(server, key, pin=None), target_of(server, key, pin=Pin.parse(str(before)))):
        error = await failure(target, known)
        assert isinstance(error, ChangedHostKeyError)
        assert error.code is Code.DENIED
        assert before.fingerprint in error.message
        assert server.host_key.fingerprint in error.message
        assert "Accepted publickey" not in server.log


async def test_the_pinned_key_is_asked_for_though_the_server_has_others(
    server: SshServer, key: Path, known: KnownHosts
) -> None:
    server.stop()
    make_key(server.folder / "rsa_key", kind="rsa")
    server.settings = f"HostKey {server.folder}/rsa_key\n"
    server.start()
    pin = Pin.parse((server.folder / "rsa_key.pub").read_text())
    assert await words_of(target_of(server, key, pin=pin), known) == "here"


async def test_a_refused_key_is_told_with_what_to_do(server: SshServer, known: KnownHosts, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    error = await failure(target_of(server, tmp_path / "other"), known)
    assert (error.code, error.exit_code) == (Code.CREDENTIAL, 4)
    assert error.message == f"prod: {me()}@127.0.0.1 does not accept the key offered"
    assert "server.keyPath" in error.hint


async def test_without_any_key(server: SshServer, known: KnownHosts) -> None:
    error = await failure(target_of(server), known)
    assert error.code is Code.CREDENTIAL
    assert "there is no key to log in with" in error.message


async def test_a_key_that_is_not_there(server: SshServer, known: KnownHosts, tmp_path: Path) -> None:
    error = await failure(target_of(server, tmp_path / "gone"), known)
    assert error.message == f"there is no key {tmp_path / 'gone'}"


async def test_the_kept_credential_logs_in(server: SshServer, key: Path, known: KnownHosts) -> None:
    secret = Secret(await asyncio.to_thread(key.read_text))
    assert await words_of(target_of(server, keys=(secret,)), known) == "here"


async def test_the_users_own_key_logs_in(server: SshServer, known: KnownHosts, user_home: Path) -> None:
    server.stop()
    server.authorised = [make_key(user_home / ".ssh/id_ed25519")]
    server.start()
    assert await words_of(target_of(server), known) == "here"


async def test_a_key_with_a_passphrase_needs_an_agent(
    server: SshServer, known: KnownHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user_home: Path
) -> None:
    locked = user_home / ".ssh/id_ed25519"
    server.stop()
    server.authorised = [make_key(locked, passphrase="open sesame")]
    server.start()
    error = await failure(target_of(server, locked), known)
    assert error.code is Code.CREDENTIAL
    assert error.message == f"the key {locked} has a passphrase, and no ssh-agent holds it"
    assert f"ssh-add {locked}" in error.hint
    assert str(locked) in (await failure(target_of(server), known)).hint  # nor is it offered by itself
    with ssh_agent(locked, passphrase="open sesame") as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", agent)
        assert await words_of(target_of(server, locked), known) == "here"
        assert await words_of(target_of(server), known) == "here"
        locked.with_suffix(".pub").unlink()
        assert await words_of(target_of(server, locked), known) == "here"
    error = await failure(target_of(server, locked), known)  # the agent is gone, and its variable is not
    assert "no ssh-agent holds it" in error.message


def configure(user_home: Path, *lines: str) -> None:
    (user_home / ".ssh/config").write_text("".join(f"{line}\n" for line in lines))


async def test_the_users_ssh_config_counts(server: SshServer, key: Path, known: KnownHosts, user_home: Path) -> None:
    configure(
        user_home, "Host box", "  HostName 127.0.0.1", f"  Port {server.port}", f"  User {me()}",
        f"  IdentityFile {key}", "  RemoteCommand false", "  RequestTTY yes", "  SendEnv *",
    )  # fmt: skip
    assert await words_of(Target("box", "prod", pin=Pin.parse(str(server.host_key))), known) == "here"


async def test_a_broken_ssh_config_is_told_with_its_line(server: SshServer, known: KnownHosts, user_home: Path) -> None:
    configure(user_home, "Host box", "  Port many")
    error = await failure(Target("box"), known)
    assert error.code is Code.CONFIG
    assert f"{user_home}/.ssh/config line 2" in error.message


@pytest.fixture
def jump(tmp_path: Path, key: Path) -> Iterator[SshServer]:
    with ssh_server(tmp_path / "jump", Path(f"{key}.pub").read_text().strip()) as server:
        yield server


async def test_a_jump_host_and_its_own_host_key(
    server: SshServer, jump: SshServer, key: Path, known: KnownHosts, user_home: Path
) -> None:
    configure(
        user_home, "Host inner", "  HostName 127.0.0.1", f"  Port {server.port}", "  ProxyJump bastion",
        "Host bastion", "  HostName 127.0.0.1", f"  Port {jump.port}",
        "Host *", f"  User {me()}", f"  IdentityFile {key}",
    )  # fmt: skip
    target = Target("inner", "prod", pin=Pin.parse(str(server.host_key)))
    error = await failure(target, known)
    assert isinstance(error, UnknownHostKeyError)
    assert (error.place, error.key, error.name) == (jump.place, jump.host_key, "bastion")
    assert f"freehold env check prod --host-key {jump.host_key.fingerprint}" in error.hint
    known.pin(jump.place, jump.host_key)
    before = jump.log.count("Accepted publickey")
    assert await words_of(target, known) == "here"
    assert jump.log.count("Accepted publickey") == before + 1
    jump.stop()
    jump.new_host_key()
    jump.start()
    assert isinstance(await failure(target, known), ChangedHostKeyError)


async def test_a_jump_host_that_cannot_reach_the_server(
    jump: SshServer, key: Path, known: KnownHosts, user_home: Path
) -> None:
    known.pin(jump.place, jump.host_key)
    configure(
        user_home, "Host inner", "  HostName 127.0.0.1", f"  Port {free_port()}",
        f"  ProxyJump {me()}@127.0.0.1:{jump.port}", "Host *", f"  IdentityFile {key}",
    )  # fmt: skip
    error = await failure(Target("inner", "prod"), known)
    assert (error.code, error.exit_code) == (Code.UNREACHABLE, 5)
    assert "the jump host cannot reach 127.0.0.1 port" in error.message


async def test_jump_hosts_that_go_round(known: KnownHosts, user_home: Path) -> None:
    configure(user_home, "Host a", "  ProxyJump b", "Host b", "  ProxyJump a")
    assert "go round" in (await failure(Target("a"), known)).message


async def test_nobody_there(known: KnownHosts, user_home: Path) -> None:
    error = await failure(Target("127.0.0.1", "prod", me(), free_port()), known)
    assert (error.code, error.exit_code) == (Code.UNREACHABLE, 5)
    assert "Connection refused" in error.message or "Connect call failed" in error.message
    error = await failure(Target("no-such-host.invalid", "prod", me()), known)
    assert "there is no address for no-such-host.invalid" in error.message


async def test_something_else_is_there(known: KnownHosts, user_home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 100)
                connection.recv(100)

        threading.Thread(target=answer, daemon=True).start()
        error = await failure(Target("127.0.0.1", "prod", me(), listener.getsockname()[1]), known)
    assert error.code is Code.UNREACHABLE


async def test_a_server_that_is_too_slow(known: KnownHosts, user_home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:  # it takes the connection, and says nothing
        target = Target("127.0.0.1", "prod", me(), listener.getsockname()[1], connect_timeout_s=0.3)
        error = await failure(target, known)
    assert (error.code, error.exit_code) == (Code.UNREACHABLE, 5)
    assert "does not answer within 0.3 s" in error.message
    assert "firewall" in error.hint


async def test_a_connection_that_is_cut(server: SshServer, key: Path, known: KnownHosts) -> None:
    host = await open_ssh_host(target_of(server, key), known)
    running = asyncio.create_task(host.run(Command(("sh", "-c", "echo ready >&2; exec sleep 60"))))
    lines = host.lines(Command(("sh", "-c", "echo first; exec sleep 60")))
    assert await anext(lines) == b"first\n"
    server.stop()
    with pytest.raises(FreeholdError, match="the connection to prod broke") as raised:
        await running
    assert (raised.value.code, raised.value.exit_code) == (Code.UNREACHABLE, 5)
    with pytest.raises(FreeholdError, match="the connection to prod broke"):
        await anext(lines)
    with pytest.raises(FreeholdError, match="broke") as raised:
        await host.run(Command(("true",)))
    assert raised.value.code is Code.UNREACHABLE
    await host.close()


async def test_a_socket_ends_when_the_connection_is_cut(
    server: SshServer, key: Path, known: KnownHosts, tmp_path: Path
) -> None:
    host = await open_ssh_host(target_of(server, key), known)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        connection = await host.forward(str(tmp_path / "s"))
        server.stop()
        connection.settimeout(20)
        with connection:
            assert await asyncio.to_thread(connection.recv, 1) == b""
    await host.close()


@pytest.mark.root
@pytest.mark.parametrize("sudo", [True, False])
async def test_a_user_that_is_not_root(
    server: SshServer, key: Path, known: KnownHosts, tmp_path: Path, sudo: bool
) -> None:
    name, rule = ("fh-sudo-yes", "NOPASSWD: ALL") if sudo else ("fh-sudo-no", "ALL")
    with user_of_host(name, rule):
        host = await open_ssh_host(target_of(server, key, user=name), known)
        try:
            assert (await host.run(Command(("id", "-un")))).text == name
            if sudo:
                await with_sudo(host, tmp_path)
            else:
                await without_sudo(host)
        finally:
            await host.close()


async def with_sudo(host: SshHost, folder: Path) -> None:
    outcomes = [await host.run(Command(("sh", "-c", "id -un; echo $1; exit 7", "sh", "it's $x"), as_root=True))]
    assert [(each.status, each.text) for each in outcomes] == [(7, "root\nit's $x")]
    secret = folder / "secret"
    secret.write_text("s")
    secret.chmod(0o600)
    assert await host.get(str(secret), as_root=True) == b"s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "s"))
        listener.listen()
        (folder / "s").chmod(0o600)
        with pytest.raises(FreeholdError) as raised:
            await host.forward(str(folder / "s"))
        assert raised.value.code is Code.DENIED
        with await host.forward(str(folder / "s"), as_root=True) as ours:
            theirs, _ = listener.accept()
            with theirs:
                ours.sendall(b"ping")
                theirs.settimeout(20)
                assert await asyncio.to_thread(theirs.recv, 9) == b"ping"


async def without_sudo(host: SshHost) -> None:
    for _ in range(2):
        with pytest.raises(FreeholdError, match="fh-sudo-no cannot become root without a password") as raised:
            await host.run(Command(("true",), as_root=True))
        assert raised.value.code is Code.DENIED
        assert "NOPASSWD" in raised.value.hint


class user_of_host:  # noqa: N801  used as a function
    """A user of this machine, with a line in sudoers; gone afterwards."""

    def __init__(self, name: str, rule: str) -> None:
        self.name, self.rules = name, Path(f"/etc/sudoers.d/{name}")
        self.rule = rule

    def __enter__(self) -> None:
        subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", "--password", "*", self.name], check=True)
        self.rules.write_text(f"{self.name} ALL=(ALL) {self.rule}\n")
        self.rules.chmod(0o440)

    def __exit__(self, *_: object) -> None:
        kill_processes_of(self.name)
        subprocess.run(["userdel", "--remove", self.name], check=True, capture_output=True)
        self.rules.unlink()

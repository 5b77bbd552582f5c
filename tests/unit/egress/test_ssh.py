"""What passes on port 22."""

import pytest

from freehold.egress.inspection import RefusedError
from freehold.egress.ssh import LONGEST_GREETING, SshInspection


@pytest.mark.parametrize("segment", [1, 5, 100])
def test_two_banners_open_the_way(segment: int) -> None:
    ssh = SshInspection()
    client, server = b"SSH-2.0-OpenSSH_9.2\r\nkeys", b"welcome\r\nto this host\r\nSSH-2.0-x\r\nkeys"
    assert b"".join(ssh.from_client(client[at : at + segment]) for at in range(0, len(client), segment)) == client
    assert not ssh.done
    assert b"".join(ssh.from_server(server[at : at + segment]) for at in range(0, len(server), segment)) == server
    assert ssh.done


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1", b"SSH-1.5-x\r\n", b"\x16\x03\x01", b"SSH-2.1-x", b"x"])
def test_a_client_that_says_something_else_is_refused(said: bytes) -> None:
    with pytest.raises(RefusedError, match="SSH 2 only"):
        SshInspection().from_client(said)


def test_nothing_passes_before_the_banner_is_known() -> None:
    ssh = SshInspection()
    assert ssh.from_client(b"SSH-2.0") == b""
    assert ssh.from_server(b"secret of another protocol\r\nSSH-2.") == b""


@pytest.mark.parametrize("said", [b"SSH-1.99-old\r\n", b"hello\r\nSSH-1.5-x\r\n"])
def test_a_server_of_an_older_version_is_refused(said: bytes) -> None:
    with pytest.raises(RefusedError, match="does not speak SSH 2"):
        SshInspection().from_server(said)


def test_a_server_that_never_comes_to_its_banner_is_refused() -> None:
    ssh = SshInspection()
    with pytest.raises(RefusedError, match="does not speak SSH"):  # noqa: PT012  the loop is what is bounded
        for _ in range(LONGEST_GREETING):
            assert ssh.from_server(b"line\r\n") == b""

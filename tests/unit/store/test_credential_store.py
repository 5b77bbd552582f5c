"""The promises of `CredentialStore`, kept by every implementation, and what only files can get wrong."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.project.credential import CredentialRef
from freehold.store import credentials
from freehold.store.credentials import LARGEST_VALUE, CredentialStore, FileCredentialStore, MemoryCredentialStore

GITHUB = CredentialRef("github_token")
GIT = CredentialRef("git_ssh", "bot")
CANARY = "canary-9d2f1ae1"


@pytest.fixture(params=["files", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> CredentialStore:
    return FileCredentialStore(tmp_path) if request.param == "files" else MemoryCredentialStore()


def value(store: CredentialStore, ref: CredentialRef, field: str) -> str | None:
    found = store.get(ref, field)
    return found.reveal() if found else None


class TestContract:
    def test_an_empty_store_knows_nothing(self, store: CredentialStore) -> None:
        assert store.list() == []
        assert store.fields(GITHUB) == []
        assert store.get(GITHUB, "token") is None
        assert store.remove(GITHUB) is False

    def test_what_is_put_is_got_trimmed(self, store: CredentialStore) -> None:
        store.put(GIT, {"username": Secret("  A Name\n"), "email": Secret("a@example.com")})
        assert value(store, GIT, "username") == "A Name"
        assert store.fields(GIT) == ["email", "username"]
        assert store.get(GIT, "id_rsa") is None

    def test_a_key_of_many_lines_keeps_them(self, store: CredentialStore) -> None:
        store.put(GIT, {"id_rsa": Secret("-----BEGIN-----\nabc\n\ndef\n-----END-----\n")})
        assert value(store, GIT, "id_rsa") == "-----BEGIN-----\nabc\n\ndef\n-----END-----"

    def test_put_replaces_the_named_fields_alone(self, store: CredentialStore) -> None:
        store.put(GIT, {"username": Secret("one"), "email": Secret("a@example.com")})
        store.put(GIT, {"username": Secret("two")})
        assert (value(store, GIT, "username"), value(store, GIT, "email")) == ("two", "a@example.com")

    def test_an_empty_value_is_none(self, store: CredentialStore) -> None:
        store.put(GITHUB, {"token": Secret(" \n")})
        assert store.get(GITHUB, "token") is None
        assert store.list() == []

    def test_instances_are_apart(self, store: CredentialStore) -> None:
        acme = CredentialRef("github_token", "acme")
        store.put(GITHUB, {"token": Secret("one")})
        store.put(acme, {"token": Secret("two")})
        assert store.list() == [CredentialRef("github_token", "acme"), GITHUB]
        assert store.remove(GITHUB) is True
        assert (store.list(), value(store, acme, "token")) == ([acme], "two")

    @pytest.mark.parametrize("name", ["..", "../x", "a/b", "", ".hidden", "a\0b", "x" * 200])
    def test_names_that_are_not_safe_are_refused(self, store: CredentialStore, name: str) -> None:
        for ref, field in ((CredentialRef(name), "token"), (CredentialRef("a", name), "token"), (GITHUB, name)):
            with pytest.raises(FreeholdError) as on_get:
                store.get(ref, field)
            with pytest.raises(FreeholdError) as on_put:
                store.put(ref, {field: Secret(CANARY)})
            assert (on_get.value.code, on_put.value.code) == (Code.USAGE, Code.USAGE)
            assert CANARY not in on_put.value.message

    def test_nothing_that_is_kept_shows_in_a_repr(self, store: CredentialStore) -> None:
        store.put(GITHUB, {"token": Secret(CANARY)})
        assert CANARY not in repr(store.get(GITHUB, "token"))

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
    @given(text=st.text(alphabet=st.characters(codec="utf-8"), max_size=50))
    def test_any_text_comes_back_trimmed(self, store: CredentialStore, text: str) -> None:
        store.put(GITHUB, {"token": Secret(text)})
        assert (value(store, GITHUB, "token") or "") == text.strip()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def files(tmp_path: Path) -> FileCredentialStore:
    return FileCredentialStore(tmp_path)


def test_a_file_that_was_read_is_read_again_when_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for settled_ns in (credentials._SETTLED_NS, -1):  # too young to be remembered, and remembered at once
        monkeypatch.setattr(credentials, "_SETTLED_NS", settled_ns)
        store, other = FileCredentialStore(tmp_path), FileCredentialStore(tmp_path)
        store.put(GITHUB, {"token": Secret("one")})
        assert [value(store, GITHUB, "token") for _ in range(2)] == ["one", "one"]
        other.put(GITHUB, {"token": Secret("two")})  # of the same length
        assert value(store, GITHUB, "token") == "two"
        (tmp_path / "credentials/github_token/default/token").write_text("three")
        assert value(store, GITHUB, "token") == "three"
        assert other.remove(GITHUB)
        assert store.get(GITHUB, "token") is None


def test_places_and_modes(files: FileCredentialStore, tmp_path: Path) -> None:
    previous = os.umask(0o000)
    try:
        files.put(GIT, {"username": Secret("A Name")})
    finally:
        os.umask(previous)
    path = tmp_path / "credentials/git_ssh/bot/username"
    assert path.read_text() == "A Name\n"
    assert mode(path) == 0o600
    assert [mode(parent) for parent in (path.parent, path.parent.parent, path.parent.parent.parent)] == [0o700] * 3
    assert files.exposures() == []


def test_wrong_modes_are_found_and_narrowed(files: FileCredentialStore, tmp_path: Path) -> None:
    files.put(GIT, {"username": Secret("x")})
    path = tmp_path / "credentials/git_ssh/bot/username"
    path.chmod(0o644)
    path.parent.chmod(0o755)
    assert [str(exposure) for exposure in files.exposures()] == [
        f"{path.parent} has mode 0755, which lets others in; it should be 0700",
        f"{path} has mode 0644, which lets others in; it should be 0600",
    ]
    assert len(files.narrow()) == 2
    assert (files.exposures(), mode(path), mode(path.parent)) == ([], 0o600, 0o700)


def test_writing_narrows_what_it_passes(files: FileCredentialStore, tmp_path: Path) -> None:
    files.put(GIT, {"username": Secret("x")})
    for path in tmp_path.rglob("*"):
        path.chmod(0o777)
    files.put(GIT, {"username": Secret("y")})
    assert files.exposures() == []


def test_what_is_not_text_is_told_without_its_content(files: FileCredentialStore, tmp_path: Path) -> None:
    folder = tmp_path / "credentials/github_token/default"
    folder.mkdir(parents=True)
    (folder / "token").write_bytes(b"\xff" + CANARY.encode())
    with pytest.raises(FreeholdError) as raised:
        files.get(GITHUB, "token")
    assert (raised.value.code, raised.value.message) == (Code.CREDENTIAL, f"{folder / 'token'} is not UTF-8 text")
    (folder / "token").write_bytes(b"x" * (LARGEST_VALUE + 1))
    with pytest.raises(FreeholdError, match="is larger than 1024 kB"):
        files.get(GITHUB, "token")


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), Path.mkdir])
def test_what_is_no_plain_file_keeps_nobody_waiting(
    files: FileCredentialStore, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    files.put(GITHUB, {"token": Secret("x")})
    (path,) = (tmp_path / "credentials").rglob("token")
    path.unlink()
    make(path)
    with pytest.raises(FreeholdError) as caught:
        files.get(GITHUB, "token")
    assert caught.value.code is Code.CREDENTIAL


def test_stray_files_are_no_credentials(files: FileCredentialStore, tmp_path: Path) -> None:
    root = tmp_path / "credentials"
    (root / "github_token" / "default").mkdir(parents=True)
    (root / "README").write_text("x")
    (root / "github_token" / "notes").write_text("x")
    (root / "github_token" / "default" / ".token.tmp").write_text("x")
    assert files.list() == []


def test_a_place_that_cannot_be_written_is_told(files: FileCredentialStore, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("in the way")
    with pytest.raises(FreeholdError) as raised:
        files.put(GITHUB, {"token": Secret(CANARY)})
    assert raised.value.code is Code.CREDENTIAL
    assert raised.value.message == f"cannot write {tmp_path}/credentials/github_token/default: File exists"
    assert CANARY not in str(raised.value)


def test_nothing_is_left_of_what_is_removed(files: FileCredentialStore, tmp_path: Path) -> None:
    files.put(GIT, {"username": Secret("x")})
    files.remove(GIT)
    assert list((tmp_path / "credentials").iterdir()) == []

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.project.credential import CredentialRef
from freehold.project.credentials import EVERY_CREDENTIAL_TYPE
from freehold.runtime.credential_staging import is_staged, stage_credentials
from freehold.runtime.run_directory import RunDirectory
from freehold.store.credentials import MemoryCredentialStore
from freehold.wire.brief import StagedCredential, StagedField

GITHUB, SECOND, SSH = CredentialRef("github_token"), CredentialRef("github_token", "org2"), CredentialRef("git_ssh")
MODEL_KEY, GATEWAY = CredentialRef("anthropic_key"), CredentialRef("gateway_api_key")


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    (tmp_path / "shm").mkdir()
    return RunDirectory(tmp_path / "runs" / "dev-1", memory=tmp_path / "shm")


@pytest.fixture
def store() -> MemoryCredentialStore:
    store = MemoryCredentialStore()
    store.put(GITHUB, {"token": Secret("ghp_first")})
    store.put(SECOND, {"token": Secret("ghp_second")})
    store.put(SSH, {"id_rsa": Secret("-----BEGIN\nkey"), "username": Secret("Ada"), "email": Secret("ada@example.com")})
    store.put(MODEL_KEY, {"token": Secret("sk-ant-never")})
    store.put(GATEWAY, {"key": Secret("gateway-never")})
    return store


def files(directory: RunDirectory) -> dict[str, str]:
    base = directory.credentials
    return {str(path.relative_to(base)): path.read_text() for path in base.rglob("*") if path.is_file()}


def test_a_run_gets_what_is_listed_and_no_more(directory: RunDirectory, store: MemoryCredentialStore) -> None:
    staged = stage_credentials(directory, [GITHUB], store)
    assert files(directory) == {"github_token/default/token": "ghp_first"}
    field = StagedField(path="github_token/default/token", env=["GITHUB_TOKEN", "GH_TOKEN"])
    assert staged == [StagedCredential("github_token", "default", {"token": field})]


def test_everything_is_read_only_and_readable(directory: RunDirectory, store: MemoryCredentialStore) -> None:
    stage_credentials(directory, [GITHUB], store)
    modes = {path.stat().st_mode & 0o777 for path in directory.credentials.rglob("*") if path.is_file()}
    assert modes == {0o444}
    assert {path.stat().st_mode & 0o777 for path in directory.credentials.rglob("*") if path.is_dir()} == {0o755}


@pytest.mark.parametrize("ref", [MODEL_KEY, GATEWAY])
def test_keys_of_models_and_of_freehold_stay_outside(
    directory: RunDirectory, store: MemoryCredentialStore, ref: CredentialRef
) -> None:
    assert stage_credentials(directory, [ref], store) == []
    assert files(directory) == {}


def test_no_model_key_is_ever_staged() -> None:
    keys = {name for name in EVERY_CREDENTIAL_TYPE if name.endswith("_key")}
    staged = {name for name, kind in EVERY_CREDENTIAL_TYPE.items() if is_staged(kind)}
    assert keys & staged == {"vultr_api_key", "hetzner_api_key"}


def test_a_key_of_several_lines_ends_with_a_newline(directory: RunDirectory, store: MemoryCredentialStore) -> None:
    stage_credentials(directory, [SSH], store)
    assert files(directory)["git_ssh/default/id_rsa"] == "-----BEGIN\nkey\n"
    assert files(directory)["git_ssh/default/username"] == "Ada"


@pytest.mark.parametrize("order", [[GITHUB, SECOND], [SECOND, GITHUB], [SECOND, GITHUB, SECOND]])
def test_the_default_instance_has_the_variables(
    directory: RunDirectory, store: MemoryCredentialStore, order: list[CredentialRef]
) -> None:
    staged = stage_credentials(directory, order, store)
    assert {one.instance: one.fields["token"].env for one in staged} == {
        "default": ["GITHUB_TOKEN", "GH_TOKEN"],
        "org2": [],
    }
    assert len(files(directory)) == 2


def test_a_named_instance_alone_has_the_variables(directory: RunDirectory, store: MemoryCredentialStore) -> None:
    (staged,) = stage_credentials(directory, [SECOND], store)
    assert staged.fields["token"].env == ["GITHUB_TOKEN", "GH_TOKEN"]


def test_what_is_missing_is_told_with_the_command_and_nothing_is_left(
    directory: RunDirectory, store: MemoryCredentialStore
) -> None:
    with pytest.raises(FreeholdError) as caught:
        stage_credentials(directory, [GITHUB, CredentialRef("sentry_token", "work")], store)
    assert caught.value.code is Code.CREDENTIAL
    assert "freehold creds add sentry_token:work" in caught.value.hint
    assert files(directory) == {}


def test_staging_again_replaces(directory: RunDirectory, store: MemoryCredentialStore) -> None:
    stage_credentials(directory, [GITHUB, SECOND], store)
    stage_credentials(directory, [SSH], store)
    assert {path.split("/")[0] for path in files(directory)} == {"git_ssh"}


def test_errors_hold_no_value(directory: RunDirectory, store: MemoryCredentialStore, tmp_path: Path) -> None:
    store.put(CredentialRef("git_ssh", "half"), {"username": Secret("canary-value")})
    with pytest.raises(FreeholdError) as caught:
        stage_credentials(directory, [CredentialRef("git_ssh", "half")], store)
    assert "canary-value" not in str(caught.value.as_dict())
    assert "email" in caught.value.message


def test_names_are_not_blacked_out_as_secrets_are(tmp_path: Path) -> None:
    store = MemoryCredentialStore()
    ref = CredentialRef("git_ssh")
    store.put(ref, {"username": Secret("Ada Lovelace"), "email": Secret("ada@example.com")})
    directory = RunDirectory(tmp_path / "dev-01hzx3k5a6b7c8d9e0f1g2h3j4", memory=tmp_path)
    [staged] = stage_credentials(directory, [ref], store)
    assert {name: field.secret for name, field in staged.fields.items()} == {"username": False, "email": False}

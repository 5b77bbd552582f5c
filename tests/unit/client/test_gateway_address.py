"""Where a gateway is, and where a key may go."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.client.gateway_address import (
    KEY_FIELD,
    KEY_TYPE,
    LocalAddress,
    RemoteAddress,
    gateway_address,
    remote_address,
    usable_key,
)
from freehold.project.credential import CredentialRef
from freehold.store.credentials import FileCredentialStore
from tests.support.folders import one_agent, write_files

KEY = Secret("fh_0123456789")

GOOD = [
    ("https://agents.example.com", "agents.example.com", 443, True, ""),
    ("https://agents.example.com:8443/shop/", "agents.example.com", 8443, True, "/shop"),
    ("http://127.0.0.1:8080", "127.0.0.1", 8080, False, ""),
    ("http://localhost", "localhost", 80, False, ""),
    ("http://[::1]:9", "::1", 9, False, ""),
]


@pytest.mark.parametrize(("url", "host", "port", "encrypted", "path"), GOOD)
def test_an_address_is_read(url: str, host: str, port: int, encrypted: bool, path: str) -> None:
    address = remote_address(url, "prod", lambda: KEY)
    assert (address.host, address.port, address.encrypted, address.path) == (host, port, encrypted, path)
    assert "fh_" not in f"{address} {address!r}"


BAD = [
    ("http://agents.example.com", "not encrypted"),
    ("http://127.0.0.1.example.com", "not encrypted"),
    ("http://10.0.0.1", "not encrypted"),
    ("agents.example.com", "not a URL"),
    ("ftp://agents.example.com", "not a URL"),
    ("https://", "not a URL"),
    ("https://a:99999", "not a URL"),
    ("https://" + "a" * 70 + ".example.com", "not a URL"),
    ("https://key@agents.example.com", "holds more"),
    ("https://agents.example.com/?key=fh_1", "holds more"),
    ("https://agents.example.com/#top", "holds more"),
]


@pytest.mark.parametrize(("url", "why"), BAD)
def test_a_key_goes_nowhere_else(url: str, why: str) -> None:
    def key() -> Secret:
        raise AssertionError("the key was looked for")

    with pytest.raises(FreeholdError) as caught:
        remote_address(url, "prod", key)
    assert caught.value.code is Code.CONFIG
    assert why in caught.value.message
    assert "fh_1" not in caught.value.message


@pytest.mark.parametrize("text", ["", " ", "a\nb", "schlüssel"])
def test_what_fits_into_no_header_is_no_key(text: str) -> None:
    with pytest.raises(FreeholdError, match="none"):
        usable_key(Secret(text))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_files(tmp_path / "shop", one_agent())


def test_without_an_environment_it_is_here(project: Path, tmp_path: Path) -> None:
    assert gateway_address(project, tmp_path) == LocalAddress(project)


def test_an_environment_leads_elsewhere(project: Path, tmp_path: Path) -> None:
    home = write_files(tmp_path / "home", {"environments/prod.toml": '[gateway]\nurl = "https://a.example.com"\n'})
    with pytest.raises(FreeholdError) as caught:
        gateway_address(project, home, "prod")
    assert caught.value.code is Code.CREDENTIAL
    store = FileCredentialStore(home)
    store.put(CredentialRef(KEY_TYPE, "default"), {KEY_FIELD: Secret("of this machine")})
    with pytest.raises(FreeholdError, match="no key is kept"):
        gateway_address(project, home, "prod")
    store.put(CredentialRef(KEY_TYPE, "prod"), {KEY_FIELD: Secret("its-own")})
    address = gateway_address(project, home, "prod")
    assert isinstance(address, RemoteAddress)
    assert address.key.reveal() == "its-own"


def test_an_environment_without_an_address_is_told(project: Path, tmp_path: Path) -> None:
    home = write_files(tmp_path / "home", {"environments/prod.toml": ""})
    with pytest.raises(FreeholdError, match=r"neither a server nor a gateway\.url"):
        gateway_address(project, home, "prod")
    with pytest.raises(FreeholdError, match="unknown environment"):
        gateway_address(project, home, "production")


def test_a_project_cannot_draw_a_key_to_itself(tmp_path: Path) -> None:
    project = write_files(tmp_path, one_agent(project='[gateway]\nurl = "https://evil.example.com"\n'))
    home = write_files(tmp_path / "home", {"environments/prod.toml": ""})
    FileCredentialStore(home).put(CredentialRef(KEY_TYPE, "prod"), {KEY_FIELD: Secret("its-own")})
    with pytest.raises(FreeholdError, match=r"neither a server nor a gateway\.url"):
        gateway_address(project, home, "prod")

"""What can be wrong with a name and its certificate, before anything is made for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.provision.https import addresses_of, read_pair, require_free
from freehold.deploy.provision.lookup import look_up
from freehold.providers.fake_authority import OriginAuthority
from freehold.providers.fake_dns import FakeDns
from freehold.providers.origin_request import new_request
from tests.support.provisioning import OWNER

HOST = "app.example.com"


def pair(name: str = HOST) -> tuple[str, str]:
    request = new_request(name, OWNER)
    return OriginAuthority().certify((name,), request.csr_pem), request.key_pem.reveal()


def written(folder: Path, certificate: str, key: str) -> tuple[Path, Path]:
    paths = folder / "certificate", folder / "key"
    for path, text in zip(paths, (certificate, key), strict=True):
        path.write_text(text)
    return paths


def test_a_certificate_and_its_key(tmp_path: Path) -> None:
    certificate, key = pair()
    pem, private = read_pair(*written(tmp_path, certificate, key), HOST)
    assert (pem, private.reveal()) == (certificate, key)
    both = f"{key}{certificate}"
    pem, private = read_pair(*written(tmp_path, both, both), HOST)
    assert (pem, private.reveal()) == (certificate, key), "each file may hold more"


def test_what_does_not_fit(tmp_path: Path) -> None:
    certificate, key = pair()
    for texts, host, code in (
        ((certificate, pair()[1]), HOST, Code.CREDENTIAL),
        ((certificate, key), "other.example.com", Code.CREDENTIAL),
        ((key, key), HOST, Code.CREDENTIAL),
        ((certificate, ""), HOST, Code.CREDENTIAL),
    ):
        with pytest.raises(FreeholdError) as raised:
            read_pair(*written(tmp_path, *texts), host)
        assert raised.value.code is code
        assert key.splitlines()[1] not in f"{raised.value.message}{raised.value.hint}"
    with pytest.raises(FreeholdError, match="cannot read") as raised:
        read_pair(tmp_path / "nothing", tmp_path / "k", HOST)
    assert raised.value.code is Code.USAGE


async def test_others_records_are_shown() -> None:
    dns = FakeDns()
    await require_free(dns, "zone1", HOST, (), OWNER)
    await dns.point("zone1", HOST, ("192.0.2.1",), OWNER)
    await require_free(dns, "zone1", HOST, ("192.0.2.2",), OWNER)  # ours may be led elsewhere
    dns.add_record("TXT", HOST, "v=spf1")
    await require_free(dns, "zone1", HOST, (), OWNER)
    dns.add_record("CNAME", HOST, "elsewhere.example.com")
    with pytest.raises(FreeholdError, match=f"CNAME {HOST} elsewhere.example.com") as raised:
        await require_free(dns, "zone1", HOST, (), OWNER)
    assert raised.value.code is Code.CONFLICT
    assert "--replace-records" in raised.value.hint


async def test_the_addresses_of_a_server() -> None:
    async def known(name: str) -> tuple[str, ...]:
        return ("192.0.2.7", "2001:db8::7") if name == "box.example.com" else ()

    assert await addresses_of("2001:db8:0::1", known) == ("2001:db8::1",)
    assert await addresses_of("box.example.com", known) == ("192.0.2.7", "2001:db8::7")
    with pytest.raises(FreeholdError, match="there is no address for nowhere"):
        await addresses_of("nowhere.example", known)


async def test_this_machines_resolver() -> None:
    assert "127.0.0.1" in await look_up("localhost")
    assert await look_up("nobody.invalid") == ()
    assert await look_up("x" * 70) == ()

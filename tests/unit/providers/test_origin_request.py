from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from freehold.base.errors import FreeholdError
from freehold.providers.origin_request import certifies, new_request, owner_name_in
from tests.support.cloud_worlds import PROD


def test_request_is_signed_by_its_key_and_says_whose_it_is() -> None:
    made = new_request("Agents.Example.com", PROD)
    request = x509.load_pem_x509_csr(made.csr_pem.encode())
    key = serialization.load_pem_private_key(made.key_pem.reveal().encode(), None)

    assert request.is_signature_valid
    assert request.public_key() == key.public_key()
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["agents.example.com"]
    assert owner_name_in(made.csr_pem) == PROD.name


def test_key_is_not_shown() -> None:
    made = new_request("agents.example.com", PROD)
    assert "PRIVATE" not in repr(made)
    assert "PRIVATE" not in made.csr_pem


def test_longest_name_fits() -> None:
    assert new_request(".".join(["a" * 60] * 4), PROD).csr_pem


def test_requests_of_others_are_nobodys() -> None:
    assert owner_name_in("") == ""
    assert owner_name_in("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n") == ""
    assert not certifies("", new_request("a.example.com", PROD).csr_pem)


def test_what_is_no_host_name_gets_no_request() -> None:
    with pytest.raises(FreeholdError, match="host name"):
        new_request("192.0.2.1", PROD)

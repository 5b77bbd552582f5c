from __future__ import annotations

import base64
from pathlib import Path

from freehold.runtime.images.certificates import certificates, extra, of_this_host


def pem(content: bytes) -> bytes:
    body = base64.encodebytes(content)
    return b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"


A, B, C = (letter * 80 for letter in (b"a", b"b", b"c"))


def test_the_certificates_of_a_bundle() -> None:
    bundle = b"# a comment\n" + pem(A) + b"\ntext\n" + pem(B).replace(b"\n", b"\r\n")
    assert certificates(bundle) == [A, B]


def test_private_keys_and_rubbish_are_no_certificates() -> None:
    key = pem(A).replace(b"CERTIFICATE", b"PRIVATE KEY")
    assert certificates(key + b"-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n\xff\x00") == []


def test_only_what_debian_does_not_know_one_file_each() -> None:
    files = extra([pem(A) + pem(B), pem(C) + pem(B)], [pem(A)])
    assert sorted(certificate for content in files.values() for certificate in certificates(content)) == [B, C]
    assert len(files) == 2
    assert all(name.endswith(".crt") for name in files)


def test_names_do_not_depend_on_the_order() -> None:
    assert extra([pem(A), pem(B)], []) == extra([pem(B) + pem(A)], [])


def test_bundles_that_the_environment_names(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(pem(A))
    environment = {"NODE_EXTRA_CA_CERTS": str(bundle), "SSL_CERT_FILE": str(tmp_path / "missing.pem"), "PIP_CERT": ""}
    found = of_this_host(environment)
    assert A in [certificate for content in found.values() for certificate in certificates(content)]

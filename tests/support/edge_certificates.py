"""Certificates as edges are given them: good ones, and each thing that can be wrong with one."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from freehold.base.secret import Secret

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Signed:
    """`key_pem` is without a passphrase; `pem` the certificate alone."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> Secret:
        return self._key_pem(serialization.NoEncryption())

    @property
    def locked_key_pem(self) -> Secret:
        return self._key_pem(serialization.BestAvailableEncryption(b"a passphrase"))

    def _key_pem(self, lock: serialization.KeySerializationEncryption) -> Secret:
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
        return Secret(self.key.private_bytes(*form, lock).decode())


def signed(
    *names: str, by: Signed | None = None, begins: dt.datetime = NOW - DAY, ends: dt.datetime = NOW + 90 * DAY
) -> Signed:
    """For these names, by another one, or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, names[0] if names else "An authority")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
    return Signed(builder.sign(by.key if by else key, hashes.SHA256()), key)

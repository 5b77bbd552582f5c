"""An origin authority in memory: it signs for real, and nobody trusts it who was not told to."""

from __future__ import annotations

import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class OriginAuthority:
    """Signs requests as Cloudflare's Origin CA does: its own subject, the host names that were asked for, 15 years."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "An origin authority of tests")])
        usage = x509.BasicConstraints(ca=True, path_length=0)
        self._certificate = self._sign(self._name, self._key.public_key(), usage)
        self.certificate_pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def certify(self, hostnames: tuple[str, ...], csr_pem: str, days: int = 5475) -> str:
        """Raises `ValueError` for what is no request, or is not signed by its own key."""
        request = x509.load_pem_x509_csr(csr_pem.encode())
        if not request.is_signature_valid:
            raise ValueError("the request is not signed by its own key")
        names = x509.SubjectAlternativeName([x509.DNSName(name) for name in hostnames])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An origin certificate of tests")])
        key = request.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        return self._sign(subject, key, names, days).public_bytes(serialization.Encoding.PEM).decode()

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType, days: int = 5475
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + dt.timedelta(days=days))
        )
        critical = isinstance(extension, x509.BasicConstraints)
        return builder.add_extension(extension, critical=critical).sign(self._key, hashes.SHA256())

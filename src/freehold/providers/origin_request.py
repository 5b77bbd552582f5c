"""The key of an origin certificate, and the request for it. The key is made here and goes to the server alone."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from freehold.base.errors import Code, FreeholdError
from freehold.base.hosts import normalise_host
from freehold.base.secret import Secret
from freehold.providers.ownership import Owner


@dataclass(frozen=True)
class OriginRequest:
    """A P-256 key (PKCS 8) and a request that it signed. The organisation in it is the owner's mark.

    Cloudflare keeps requests beside the certificates, which have no label of their own.
    """

    key_pem: Secret
    csr_pem: str


def new_request(hostname: str, owner: Owner) -> OriginRequest:
    """For one host name. Raises USAGE for what is none."""
    name = checked_hostname(hostname)
    key = ec.generate_private_key(ec.SECP256R1())
    # A common name has 64 characters at most (RFC 5280); the host is in the alternative names, where it counts.
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, name[:64]), x509.NameAttribute(NameOID.ORGANIZATION_NAME, owner.name)]
    )
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return OriginRequest(Secret(key_pem.decode()), request.public_bytes(serialization.Encoding.PEM).decode())


def owner_name_in(csr_pem: str) -> str:
    """The owner's name in a request; the empty string for a request of somebody else's making."""
    try:
        request = x509.load_pem_x509_csr(csr_pem.encode())
    except ValueError:
        return ""
    names = request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return str(names[0].value) if names else ""


def certifies(certificate_pem: str, csr_pem: str) -> bool:
    """Whether a certificate is on the request's key."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
        request = x509.load_pem_x509_csr(csr_pem.encode())
    except ValueError:
        return False
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return certificate.public_key().public_bytes(*form) == request.public_key().public_bytes(*form)


def checked_hostname(hostname: str) -> str:
    """In its one spelling. Raises USAGE."""
    try:
        return normalise_host(hostname)
    except ValueError as error:
        raise FreeholdError(Code.USAGE, f"host name: {error}") from None

"""Whether a certificate is good for an edge: its key, its names, its dates, its chain (pure)."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import ssl
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509 import verification
from cryptography.x509.oid import ExtensionOID, NameOID

from freehold.base.errors import Code, FreeholdError
from freehold.base.hosts import HostPattern
from freehold.base.secret import Secret
from freehold.base.words import one_of

SOON_DAYS = 21
"""Less is left, and it is time for a new one: authorities renew a month before the end."""
_KEY_FORM = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True)
class Certificate:
    """The first of a PEM text, which is the server's own; `chain` are those after it."""

    leaf: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()

    @classmethod
    def read(cls, pem: str) -> Certificate:
        """Raises CREDENTIAL for a text without certificates, or with one that cannot be read."""
        try:
            leaf, *chain = x509.load_pem_x509_certificates(pem.encode())
        except ValueError:
            raise FreeholdError(
                Code.CREDENTIAL, "the certificate cannot be read", "It is text, with -----BEGIN CERTIFICATE-----."
            ) from None
        return cls(leaf, tuple(chain))

    @property
    def names(self) -> tuple[str, ...]:
        """The host names that it is for, in lower case. Common names have not counted for long."""
        try:
            found = self.leaf.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
        except x509.ExtensionNotFound:
            return ()
        if not isinstance(found, x509.SubjectAlternativeName):
            return ()
        return tuple(name.lower() for name in found.get_values_for_type(x509.DNSName))

    @property
    def issuer(self) -> str:
        for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
            if found := self.leaf.issuer.get_attributes_for_oid(kind):
                return str(found[0].value)
        return "somebody without a name"

    @property
    def ends(self) -> dt.datetime:
        return self.leaf.not_valid_after_utc

    def covers(self, host: str) -> bool:
        """`*.example.com` is for one label more (RFC 6125), and so not for a name two levels down."""
        return any(_is_for(name, host) for name in self.names)

    def days_left(self, now: dt.datetime) -> int:
        return (self.ends - now).days

    def is_public(self, host: str, now: dt.datetime) -> bool:
        """Whether browsers trust it, as far as this machine knows their authorities."""
        if not (roots := _authorities()):
            return False
        policy = verification.PolicyBuilder().store(verification.Store(roots)).time(now)
        try:
            policy.build_server_verifier(x509.DNSName(host)).verify(self.leaf, list(self.chain))
        except (verification.VerificationError, ValueError):
            return False
        return True


def certificate_problem(certificate: Certificate, hosts: Sequence[str], now: dt.datetime) -> str:
    """Why it cannot serve these hosts, in words; empty when it can."""
    if missing := [host for host in hosts if not certificate.covers(host)]:
        return f"the certificate is for {one_of(certificate.names)}, and not for {', '.join(missing)}"
    if certificate.ends <= now:
        return f"the certificate has ended on {certificate.ends:%Y-%m-%d}"
    if certificate.leaf.not_valid_before_utc > now:
        return f"the certificate begins on {certificate.leaf.not_valid_before_utc:%Y-%m-%d} only: is the clock right?"
    signed = (certificate.leaf, *certificate.chain)
    for one, next_one in itertools.pairwise(signed):
        try:
            one.verify_directly_issued_by(next_one)
        except (ValueError, TypeError, InvalidSignature):
            return (
                "the certificates are not a chain: the server's own comes first, then each that signed the one before"
            )
    return ""


def require_pair(certificate_pem: str, key: Secret, hosts: Sequence[str], now: dt.datetime) -> Certificate:
    """The certificate of files that somebody gave, for `hosts`. Raises CREDENTIAL, saying which part is wrong."""
    certificate = Certificate.read(certificate_pem)
    try:
        private = serialization.load_pem_private_key(key.reveal().encode(), None)
    except TypeError:
        raise FreeholdError(
            Code.CREDENTIAL, "the key has a passphrase, and nobody could type it when the server starts",
            "openssl pkey -in KEY -out KEY.open writes it without one.",
        ) from None  # fmt: skip
    except ValueError:
        raise FreeholdError(
            Code.CREDENTIAL, "the key cannot be read", "It is text, with -----BEGIN PRIVATE KEY-----."
        ) from None
    if private.public_key().public_bytes(*_KEY_FORM) != certificate.leaf.public_key().public_bytes(*_KEY_FORM):
        raise FreeholdError(
            Code.CREDENTIAL, "the key is not the certificate's", "Give the key that the certificate was asked for with."
        )
    if problem := certificate_problem(certificate, hosts, now):
        raise FreeholdError(Code.CREDENTIAL, problem, "Ask its authority for another one.")
    return certificate


def _authorities() -> list[x509.Certificate]:
    """Those that this machine trusts. A few are older than the rules for them."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        for encoded in ssl.create_default_context().get_ca_certs(binary_form=True):
            with contextlib.suppress(ValueError):
                found.append(x509.load_der_x509_certificate(encoded))
    return found


def _is_for(name: str, host: str) -> bool:
    if not name.startswith("*."):
        return name == host
    try:
        pattern = HostPattern.parse(name)
    except ValueError:
        return False
    return pattern.matches(host) and host.count(".") == name.count(".")

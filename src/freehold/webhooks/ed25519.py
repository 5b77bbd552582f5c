"""Ed25519, as Discord signs: the secret of the source is its public key, so nobody but Discord can sign."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.webhooks.delivery import Delivery
from freehold.webhooks.schemes import REPLAY_WINDOW_S, Content, Proof, moment

SIGNATURE = "x-signature-ed25519"
TIMESTAMP = "x-signature-timestamp"
_CONTENT = Content(headers=(TIMESTAMP,))


@dataclass(frozen=True)
class Ed25519:
    """The signature in hex, over the timestamp and the body (Discord, "Receiving and responding")."""

    headers: tuple[str, ...] = (SIGNATURE,)

    def proof(self, delivery: Delivery, secret: Secret) -> Proof | None:
        # 6 MB of memory, which only a gateway with a source of Discord's needs.
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(secret.reveal().strip()))
            key.verify(bytes.fromhex(delivery.header(SIGNATURE)), _CONTENT.of(delivery.headers, delivery.body))
        except (ValueError, InvalidSignature):
            return None
        return Proof(moment(delivery.header(TIMESTAMP)), REPLAY_WINDOW_S)

    def sign(self, body: bytes, secret: Secret, sent_at: datetime, delivery_id: str) -> dict[str, str]:  # noqa: ARG002
        raise FreeholdError(
            Code.USAGE,
            "deliveries of Discord cannot be signed here: only Discord has the private key",
            "replay a receipt instead: what was verified once needs no signature",
        )


def signed_by(private_key: bytes, body: bytes, sent_at: datetime) -> dict[str, str]:
    """The headers that Discord would send, for whoever has a private key (32 bytes)."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    headers = {TIMESTAMP: str(int(sent_at.timestamp()))}
    signature = Ed25519PrivateKey.from_private_bytes(private_key).sign(_CONTENT.of(headers, body))
    return {**headers, SIGNATURE: signature.hex()}

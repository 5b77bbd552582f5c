"""Host keys of SSH servers: reading one, its fingerprint, and whether it is the one that was pinned (pure)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?")
_ALGORITHM = re.compile(r"[a-z0-9@.-]{1,64}")


@dataclass(frozen=True)
class HostKey:
    """A public key as servers show it. `algorithm` is the type that the key itself names (RFC 4253 §6.6)."""

    algorithm: str
    blob: bytes

    @classmethod
    def parse(cls, text: str) -> HostKey:
        """`ssh-ed25519 AAAA... [comment]`. Raises `ValueError` with the reason."""
        words = text.split()
        if len(words) < 2 or not _ALGORITHM.fullmatch(words[0]):
            raise ValueError("is no public key; write `ssh-ed25519 AAAA...` or a fingerprint `SHA256:...`")
        try:
            blob = base64.b64decode(words[1], validate=True)
        except binascii.Error:
            raise ValueError("is no public key: its second word is not base64") from None
        name = words[0].encode()
        if not blob.startswith(len(name).to_bytes(4, "big") + name):
            raise ValueError(f"is no public key: its second word is no {words[0]} key")
        return cls(words[0], blob)

    @property
    def fingerprint(self) -> str:
        """`SHA256:...`, as `ssh-keygen -l` and OpenSSH's question show it."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode()
        return f"SHA256:{digest.rstrip('=')}"

    def __str__(self) -> str:
        return f"{self.algorithm} {base64.b64encode(self.blob).decode()}"


@dataclass(frozen=True)
class Pin:
    """What a host's key must be: the key itself, or (where only that was told) its fingerprint."""

    fingerprint: str
    key: HostKey | None = None

    @classmethod
    def parse(cls, text: str) -> Pin:
        """A public key or `SHA256:...`. Raises `ValueError` with the reason."""
        word = text.strip()
        if word.startswith("SHA256:"):
            if not _FINGERPRINT.fullmatch(word):
                raise ValueError("is no fingerprint; it has 43 characters after `SHA256:`")
            return cls(word.rstrip("="))
        key = HostKey.parse(word)
        return cls(key.fingerprint, key)

    def fits(self, key: HostKey) -> bool:
        return key.fingerprint == self.fingerprint

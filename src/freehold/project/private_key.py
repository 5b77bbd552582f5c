"""Private keys in their text form: is this one, and can a program use it without asking a person?"""

from __future__ import annotations

import base64
import binascii
import re
import struct

_ARMOUR = re.compile(
    r"-----BEGIN (?P<kind>[A-Z0-9 ]*PRIVATE KEY)-----\s+(?P<body>.*?)-----END (?P=kind)-----", re.DOTALL
)
_OPENSSH_MAGIC = b"openssh-key-v1\0"


def private_key_problem(text: str) -> str:
    """Why `text` cannot serve as a private key; the empty string when it can. No part of the key is in the answer."""
    match = _ARMOUR.search(text)
    if match is None:
        if "PUBLIC KEY" in text or text.lstrip().startswith(("ssh-", "ecdsa-")):
            return "is a public key; the private one is needed (the file without .pub)"
        return "is not a private key; it begins with a line `-----BEGIN ... PRIVATE KEY-----`"
    if match["kind"].startswith("ENCRYPTED") or "Proc-Type: 4,ENCRYPTED" in match["body"]:
        return _LOCKED
    if match["kind"] == "OPENSSH PRIVATE KEY":
        cipher = _openssh_cipher(match["body"])
        if cipher is None:
            return "is damaged: it does not hold what an OpenSSH key holds"
        if cipher != b"none":
            return _LOCKED
    return ""


def has_passphrase(text: str) -> bool:
    """Whether `text` is a private key that only its passphrase opens."""
    return private_key_problem(text) == _LOCKED


_LOCKED = (
    "has a passphrase, and nobody will be there to type it; `ssh-keygen -p -f KEY` removes it, or make a key of its own"
)


def _openssh_cipher(body: str) -> bytes | None:
    """The name of the cipher: the first string after the magic (OpenSSH, PROTOCOL.key)."""
    try:
        data = base64.b64decode("".join(body.split()), validate=True)
    except binascii.Error:
        return None
    begin = len(_OPENSSH_MAGIC) + 4
    if not data.startswith(_OPENSSH_MAGIC) or len(data) < begin:
        return None
    (length,) = struct.unpack(">I", data[len(_OPENSSH_MAGIC) : begin])
    return data[begin : begin + length] if length <= 64 else None

"""What the proxy answers in HTTP (pure).

Clients differ in what they show of a refused CONNECT: curl and git the status alone, pip and node the reason phrase,
others the body. So the reason is in all three places.
"""

from __future__ import annotations

import msgspec

from freehold.base.errors import FreeholdError

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_LONGEST_PHRASE = 300


def error_answer(error: FreeholdError) -> bytes:
    """A whole HTTP/1.1 answer with the body `{code, message, hint}`; the connection is closed after it."""
    content = msgspec.json.format(msgspec.json.encode(error.as_dict())) + b"\n"
    phrase = f"{error.message}: {error.hint}" if error.hint else error.message
    head = (
        f"HTTP/1.1 {error.http_status} {_one_line(phrase)}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        "Connection: close\r\nProxy-Connection: close\r\n"
        f'Proxy-Status: freehold; details="{_structured(phrase)}"\r\n\r\n'
    )
    return head.encode("ascii") + content


def _one_line(text: str) -> str:
    """Printable ASCII of bounded length, so that nothing in a host's name can add a header."""
    return "".join(character if " " <= character <= "~" else "?" for character in text)[:_LONGEST_PHRASE]


def _structured(text: str) -> str:
    """The inside of a string in a structured field (RFC 8941 §3.3.3)."""
    return _one_line(text.replace("\\", "/").replace('"', "'"))

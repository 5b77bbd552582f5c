"""An archive of `docker save`, read and thinned as it goes by: nothing of it is on a disk, and little in memory."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Collection

from freehold.base.errors import Code, FreeholdError

_BLOCK = 512
_SMALL = 1024 * 1024
"""Bytes of a manifest or of an image's configuration, at the most."""
_BEGINNINGS = (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.SOLARIS_XHDTYPE)
"""Headers that say something of the one that comes next."""


class SavedArchive:
    """What is fed comes out again `without` those members. `small` are the contents of members that could be JSON,
    `links` where links lead, by name."""

    def __init__(self, without: Collection[str] = ()) -> None:
        self.small: dict[str, bytes] = {}
        self.links: dict[str, str] = {}
        self._without = without
        self._waiting = bytearray()
        self._held = bytearray()
        self._is_held = False
        self._is_kept = True
        self._left = 0
        self._member: tarfile.TarInfo | None = None
        self._content = bytearray()

    def feed(self, piece: bytes) -> bytes:
        """Raises PROTOCOL for what is no archive."""
        self._waiting += piece
        out = bytearray()
        while self._left or len(self._waiting) >= _BLOCK:
            if not self._left:
                out += self._header(self._take(_BLOCK))
            elif self._waiting:
                out += self._body(self._take(self._left))
            else:
                break
        return bytes(out)

    def end(self) -> None:
        """Raises PROTOCOL when the archive ended before its end."""
        if self._left or self._waiting or self._held:
            raise FreeholdError(Code.PROTOCOL, "Docker ended in the middle of an image", "Try again.")

    def _take(self, most: int) -> bytes:
        taken = bytes(self._waiting[:most])
        del self._waiting[:most]
        return taken

    def _header(self, block: bytes) -> bytes:
        if block == bytes(_BLOCK):  # the end is two of them
            return block
        self._is_held = block[156:157] in _BEGINNINGS
        member = _parsed(block if self._is_held else bytes(self._held) + block)
        self._left = member.size + -member.size % _BLOCK
        if self._is_held:
            self._held += block
            return b""
        self._begin(member)
        whole = bytes(self._held) + block if self._is_kept else b""
        self._held.clear()
        return whole

    def _begin(self, member: tarfile.TarInfo) -> None:
        self._is_kept = member.name not in self._without
        self._member = member if member.isreg() and 0 < member.size <= _SMALL else None
        self._content.clear()
        if member.issym() or member.islnk():
            self.links[member.name] = member.linkname

    def _body(self, piece: bytes) -> bytes:
        self._left -= len(piece)
        if self._is_held:
            self._held += piece
            return b""
        if self._member:
            self._content += piece
            if not self._left:
                self.small[self._member.name] = bytes(self._content[: self._member.size])
        return piece if self._is_kept else b""


def _parsed(headers: bytes) -> tarfile.TarInfo:
    """The member that these blocks begin."""
    try:
        if headers[156:157] in _BEGINNINGS and len(headers) == _BLOCK:
            return tarfile.TarInfo.frombuf(headers, "utf-8", "surrogateescape")
        with tarfile.open(fileobj=io.BytesIO(headers), mode="r:") as archive:
            member = archive.next()
    except tarfile.TarError as error:
        raise FreeholdError(Code.PROTOCOL, f"Docker saves images in a way that is not known: {error}") from None
    if member is None:
        raise FreeholdError(Code.PROTOCOL, "Docker saves images in a way that is not known")
    return member

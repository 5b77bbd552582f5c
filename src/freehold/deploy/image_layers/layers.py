"""Which files of a saved image need not travel, because their layers are there already. Pure.

A layer that is there is found by its chain id, which tells all layers below it as well: the same files on top of others
are another layer to Docker.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from freehold.base.errors import Code, FreeholdError

_MANIFEST = "manifest.json"


def chain_ids(layers: Sequence[str]) -> Iterator[str]:
    """Of each layer, from the lowest on (the image specification, "Layer ChainID")."""
    chain = ""
    for layer in layers:
        chain = "sha256:" + hashlib.sha256(f"{chain} {layer}".encode()).hexdigest() if chain else layer
        yield chain


def blobs_there(images: Iterable[Sequence[str]], there: Collection[str]) -> frozenset[str]:
    """The same for an archive of Docker 25 to 28 that keeps its images itself: its members are called by the digests
    of the `images`' layers, so that it need not be read for that."""
    every, needed = set(), set()
    for layers in images:
        every |= set(layers)
        needed |= {layer for layer, chain in zip(layers, chain_ids(layers), strict=True) if chain not in there}
    return frozenset(f"blobs/{layer.replace(':', '/')}" for layer in every - needed)


def members_there(small: Mapping[str, bytes], links: Mapping[str, str], there: Collection[str]) -> frozenset[str]:
    """The members of an archive of `docker save` that hold nothing but layers which are `there`.

    `small` are the contents of its small members, `links` where its links lead. Raises PROTOCOL for another archive.
    """
    every, needed = set(), set()
    try:
        for image in json.loads(small[_MANIFEST]):
            layers = json.loads(small[image["Config"]])["rootfs"]["diff_ids"]
            for member, chain in zip(image["Layers"], chain_ids(layers), strict=True):
                every.add(member)
                if chain not in there:
                    needed |= {member, _target(member, links)}
    except (KeyError, ValueError, TypeError) as error:
        raise FreeholdError(Code.PROTOCOL, f"Docker saves images in a way that is not known: {error!r}") from None
    return frozenset(every - needed)


def _target(member: str, links: Mapping[str, str]) -> str:
    """What is read when `member` is: Docker before 25 saves the same files once, and links to them."""
    while member in links:
        member = posixpath.normpath(posixpath.join(posixpath.dirname(member), links[member]))
    return member

"""On a server: images that were made for releases which are gone, and that nobody there needs any more.

It is sent between `images.py`, whose `ask` it uses, and `prune.py`. What an image is, its labels say
(`runtime/images/layers.py`); whose it may be, the records of all projects' releases.
"""

from __future__ import annotations

import glob
import http.client
import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from freehold.deploy.remote.images import ask

UPPERMOST_FIRST = ("agent", "project", "harness", "base")
"""What may be built on what."""
SHARED = ("harness", "base")
"""Kinds that several projects may use."""
PREFIX = "dev.freehold."
RECORD = ".freehold/release.json"


def remove_unneeded(docker: str, releases: str, gone: list[str]) -> bool:
    """Of the images of the releases in the folders `gone`, below `releases`, remove what no other release lists, no
    container has, nothing was built on, and what is not the newest of its repository where projects share that. False
    when Docker cannot be asked: then it is to be tried again."""
    project, base = os.path.basename(os.path.dirname(releases)), os.path.dirname(os.path.dirname(releases))
    left = [path for path in glob.glob(f"{glob.escape(base)}/*/releases/*/{RECORD}") if _release(path) not in gone]
    own = [_images(path) for path in left if path.startswith(f"{releases}/")]
    others = [_images(path) for path in left if not path.startswith(f"{releases}/")]
    needed = {name for each in (*own, *others) for name in each or []}
    unneeded = {name for folder in gone for name in _images(f"{folder}/{RECORD}") or []} - needed
    if not unneeded or None in own:
        return True
    try:
        images = _labelled(docker)
        used = {each["ImageID"] for each in ask(docker, "/containers/json?all=1")}
        for image in sorted(images, key=_height):
            is_ours = _label(image, "project") == project if not _is_shared(image) else None not in others
            stays = image["Id"] in used or _carries(image, images) or _is_newest(image, images)
            if is_ours and not stays and _remove(docker, image, unneeded, needed):
                images = [one for one in images if one["Id"] != image["Id"]]
    except (OSError, http.client.HTTPException, ValueError):
        return False
    return True


def _remove(docker: str, image: dict[str, Any], unneeded: set[str], needed: set[str]) -> bool:
    """Take every name away that it has in the repositories of unneeded ones; it goes with the last one."""
    names = image["RepoTags"] or []
    repositories = {_repository(name) for name in names if name in unneeded}
    if not repositories or needed & set(names):
        return False
    for name in names:
        if _repository(name) in repositories:
            ask(docker, f"/images/{quote(name, safe='')}", "DELETE", fine=(200, 404, 409))
    return True


def _repository(name: str) -> str:
    return name.rpartition(":")[0]


def _is_shared(image: dict[str, Any]) -> bool:
    return _label(image, "kind") in SHARED


def _is_newest(image: dict[str, Any], images: list[dict[str, Any]]) -> bool:
    """Of those that projects share: whoever pushes next may need it."""
    newest = {_repository(name): one["Id"] for one in images for name in one["RepoTags"] or []}
    return _is_shared(image) and image["Id"] in newest.values()


def _labelled(docker: str) -> list[dict[str, Any]]:
    """Those that are Freehold's, or were made from one that is; the newest last."""
    filters = quote(json.dumps({"label": [f"{PREFIX}kind"]}))
    known = ask(docker, f"/images/json?filters={filters}")
    found = [ask(docker, f"/images/{quote(each['Id'])}/json") for each in sorted(known, key=lambda one: one["Created"])]
    return [image for image in found if _label(image, "kind") in UPPERMOST_FIRST]


def _carries(image: dict[str, Any], images: list[dict[str, Any]]) -> bool:
    """Whether another one was built on it: it has the same layers and more, or is of a kind that stands on this one."""
    layers, height = _layers(image), _height(image)
    return bool(layers) and any(
        _layers(one)[: len(layers)] == layers and (len(_layers(one)) > len(layers) or _height(one) < height)
        for one in images
    )


def _layers(image: dict[str, Any]) -> list[str]:
    return image["RootFS"].get("Layers") or []


def _height(image: dict[str, Any]) -> int:
    return UPPERMOST_FIRST.index(_label(image, "kind"))


def _label(image: dict[str, Any], name: str) -> str:
    return str(((image.get("Config") or {}).get("Labels") or {}).get(f"{PREFIX}{name}", ""))


def _release(record: str) -> str:
    return record.removesuffix(f"/{RECORD}")


def _images(record: str) -> list[str] | None:
    """None where that was not written down, by a Freehold of before."""
    try:
        with open(record, "rb") as file:
            found = json.load(file).get("images")
    except (OSError, ValueError):
        return None
    return found if isinstance(found, list) else None

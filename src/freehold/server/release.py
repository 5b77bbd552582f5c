"""Releases: immutable folders of a project's files on a server, of which one counts. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from freehold.base.ids import is_ulid, ulid_after

KEPT = 5
"""Releases that stay after a push, the one that counts among them."""
RECORD_FILE = ".freehold/release.json"
"""In a release's folder, written last: without it the release is not whole. No file of a project can be in its place,
since `.freehold` never travels."""
MANIFEST_FILE = ".freehold/manifest.json"
"""Beside it: every file of the release, with its digest."""
UNITS_FILE = ".freehold/units.json"
"""Beside it: what systemd is told of the project, so that going back to the release brings it back too."""


class ReleaseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a release says of itself. `content` names its files (the same for the same files), `program` the bundle that
    it was pushed with, `credentials` what its agents may need, as `type/instance`; `git` the commit, if there is one.
    `service` and `keeper` are digests of all that these two take in when they start, and not while they run. `images`
    are what its agents run in, by their names on the server, with what they were built on; not those of a user's own.
    """

    id: str
    project: str
    content: str
    program: str
    pushed_at: str
    pushed_by: str
    version: str
    service: str = ""
    keeper: str = ""
    git: str = ""
    credentials: tuple[str, ...] = ()
    images: tuple[str, ...] = ()


def releases_in(names: Sequence[str]) -> list[str]:
    """The releases among a folder's entries, the newest first; what is half there has another name."""
    return sorted((name for name in names if is_ulid(name)), reverse=True)


def to_remove(releases: Sequence[str], current: str, *, keep: int = KEPT, before: str = "") -> list[str]:
    """Those that are kept no longer, oldest first: all but the newest `keep`; never the current one, nor `before`, to
    which it would go back."""
    newest = sorted(releases, reverse=True)
    spared = {current, before}
    room = max(keep - len(spared & set(newest)), 0)
    others = [release for release in newest if release not in spared]
    return sorted(others[room:])


def to_go_back_to(releases: Sequence[str], current: str, rolled_back: Collection[str] = ()) -> str:
    """The newest release before the current one that nobody went back from; empty when there is none."""
    return max((release for release in releases if release < current and release not in rolled_back), default="")


def rolled_back_then(releases: Sequence[str], rolled_back: Collection[str], before: str, target: str) -> list[str]:
    """Which releases somebody went back from, once `target` counts in the place of `before`: one that counts again is
    none of them, and who goes to a newer one leaves the older in peace."""
    left = {*rolled_back, before} if target < before else set(rolled_back)
    return sorted((left - {target}) & set(releases))


def next_id(releases: Sequence[str], fresh: str) -> str:
    """`fresh`, a new ULID, or one that comes after all of `releases`: whoever pushed before may have had a clock that
    was ahead, and the order of releases is that of their ids."""
    newest = max(releases, default="")
    return fresh if fresh > newest else ulid_after(newest, fresh)

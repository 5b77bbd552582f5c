"""What a run left: files, and changes of git repositories. The runner looks at its end, so it is testimony."""

from __future__ import annotations

from typing import Annotated

import msgspec

MOST_FILES = 1000
MOST_REPOSITORIES = 20
MOST_COMMITS = 50
LARGEST_KEPT_BYTES = 256 * 1024
"""Of one file's content; larger ones are listed and not kept."""
MOST_KEPT_BYTES = 3 * 1024 * 1024
"""Of all contents together."""
LONGEST_PATCH = 512 * 1024
"""Characters of all patches together."""
LARGEST_BODY = 12 * 1024 * 1024
"""Bytes as JSON: contents in base64, and a patch of which every character may be written in six."""
LONGEST_PATH = 4096

Path = Annotated[str, msgspec.Meta(max_length=LONGEST_PATH)]
Line = Annotated[str, msgspec.Meta(max_length=1000)]


class FileLeft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`path` is as the run saw it; `state` is `added`, `changed` or `removed` in a repository, `written` elsewhere.
    `content` is None for what was removed, is too large, or is no plain file."""

    path: Path
    state: Annotated[str, msgspec.Meta(pattern="^(added|changed|removed|written)$")]
    size_bytes: int = 0
    content: bytes | None = None


class RepositoryLeft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What differs in a working tree from `base`, the commit at which the run found or cloned it; what git ignores is
    not in it. `cut`: the patch was longer. `problem` says why there is none."""

    path: Path
    base: Line = ""
    commits: Annotated[list[Line], msgspec.Meta(max_length=MOST_COMMITS)] = []
    """Made since, the newest first."""
    patch: str = ""
    cut: bool = False
    problem: Line = ""


class Left(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`more` files are not listed; `problem` says what else could not be looked at."""

    files: Annotated[list[FileLeft], msgspec.Meta(max_length=MOST_FILES)] = []
    more: int = 0
    repositories: Annotated[list[RepositoryLeft], msgspec.Meta(max_length=MOST_REPOSITORIES)] = []
    problem: Line = ""


class LeftFile(msgspec.Struct, frozen=True, kw_only=True):
    """`kept`: its content can be had. `text`: it is UTF-8 without control characters but tabs and line ends."""

    path: str
    state: str
    size_bytes: int
    kept: bool
    text: bool


class RunLeft(msgspec.Struct, frozen=True, kw_only=True):
    """What a run left, without the contents of files. `patch` of a repository is as `git diff` writes it."""

    files: list[LeftFile]
    more: int = 0
    repositories: list[RepositoryLeft] = []
    problem: str = ""


class ReadLeft(msgspec.Struct, frozen=True):
    run_id: str


class ReadLeftFile(msgspec.Struct, frozen=True):
    run_id: str
    path: str


class LeftContent(msgspec.Struct, frozen=True):
    content: bytes

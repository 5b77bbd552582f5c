"""What a harness asks leave for, and what may be answered."""

from __future__ import annotations

from typing import Annotated

import msgspec

LONGEST_OPTION = 500
"""Characters of an option's id, and of its name."""


class PermissionOption(msgspec.Struct, frozen=True):
    id: Annotated[str, msgspec.Meta(max_length=LONGEST_OPTION)]
    name: Annotated[str, msgspec.Meta(max_length=LONGEST_OPTION)]
    kind: Annotated[str, msgspec.Meta(max_length=LONGEST_OPTION)]
    """As in ACP: `allow_once`, `allow_always`, `reject_once`, `reject_always`."""


class OpenPermission(msgspec.Struct, frozen=True):
    """A question that waits for somebody's answer: until when, and what is answered then (empty: it is cancelled)."""

    permission_id: str
    title: str
    options: tuple[PermissionOption, ...]
    until: str
    default: str = ""

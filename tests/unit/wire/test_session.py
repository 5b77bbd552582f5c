"""What a runner may say is bounded, piece by piece: it is remembered, and written down."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from freehold.wire.session import AskPermission, decode_from_runner

OPTION = {"id": "yes", "name": "Yes", "kind": "allow_once"}


def asked(**changes: Any) -> bytes:
    return json.dumps(
        {"type": "permission", "permission_id": "p1", "title": "?", "options": [OPTION], **changes}
    ).encode()


def test_a_request_for_permission() -> None:
    assert isinstance(decode_from_runner(asked(options=[OPTION] * 10)), AskPermission)


@pytest.mark.parametrize(
    "changes",
    [
        {"permission_id": "p" * 201},
        {"options": [OPTION] * 21},
        {"options": [{**OPTION, "id": "x" * 501}]},
        {"options": [{**OPTION, "name": "x" * 501}]},
        {"options": [{**OPTION, "kind": "x" * 501}]},
    ],
)
def test_one_that_is_out_of_bounds_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_from_runner(asked(**changes))

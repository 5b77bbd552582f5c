"""What a project's programs on a server are told by their environment. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from freehold.project.home import HOME_VARIABLE
from freehold.project.state import KEEPER_PLACE, PLACED_NAME, STATE_PLACE
from freehold.server.layout import Layout


def variables(layout: Layout, home: str) -> Mapping[str, str]:
    """`home` is `FREEHOLD_HOME`: that of the gateway, or that of the keeper."""
    return {
        HOME_VARIABLE: home,
        STATE_PLACE: layout.gateway_state,
        KEEPER_PLACE: layout.keeper_state,
        PLACED_NAME: layout.project,
        "HOME": home,
        "PYTHONUNBUFFERED": "1",
    }

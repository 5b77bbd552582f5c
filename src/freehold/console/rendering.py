"""From values to a page: templates that escape everything, and to which a name that is missing is an error."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from freehold.base.ids import new_ulid
from freehold.base.plain_text import clipped, one_line, printable
from freehold.console import figures
from freehold.console.assets_folder import asset_address
from freehold.console.phase_bar import segments
from freehold.console.project_api import Visitor

NOBODY = Visitor("", frozenset(), "")


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("freehold.console"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(
        line=one_line,
        clipped=clipped,
        segment=lambda text: quote(text, safe=""),
        duration=figures.duration,
        exact=figures.exact,
        usd=figures.usd,
        number=figures.count,
        size=figures.size,
        written=_written,
        compact=lambda value: msgspec.json.encode(value).decode(),
    )
    environment.globals.update(
        nonce=new_ulid, asset=asset_address, segments=segments, span=figures.span, relative=figures.relative
    )
    return environment


def _harmless(value: Any) -> Any:
    """Of every text that a template shows, before it is escaped: agents, providers and strangers wrote most of them."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _written(value: Any) -> str:
    """As JSON that can be read."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def render(template: str, visitor: Visitor, now: datetime, project: str, here: str, **values: Any) -> str:
    """A page. `here` is its own address, from which it renews itself. Raises `jinja2.UndefinedError` for a value that
    is missing."""
    return (
        _environment()
        .get_template(template)
        .render(visitor=visitor, now=now, project=project, here=here, **{"said": "", **values})
    )

"""Style and scripts, under names that say their content: a browser may keep them for good."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PREFIX = "/assets/"
HTMX = "vendor/htmx-4.0.1.min.js"
_KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
UPLOT, UPLOT_STYLE = "vendor/uPlot-1.6.32.iife.min.js", "vendor/uPlot-1.6.32.min.css"
VENDORED = (HTMX, UPLOT, UPLOT_STYLE)
_NAMES = ("console.css", "console.js", "charts.js", "icon.svg", *VENDORED)
_FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable"}


@dataclass(frozen=True)
class Asset:
    """`address` changes whenever `content` does."""

    address: str
    content: bytes
    kind: str


@functools.cache
def assets() -> dict[str, Asset]:
    """By name, as in this folder."""
    return {name: _asset(name) for name in _NAMES}


def _asset(name: str) -> Asset:
    content = files("freehold.console").joinpath("assets", *name.split("/")).read_bytes()
    stem, _, ending = name.rpartition("/")[2].rpartition(".")
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Asset(f"{PREFIX}{stem}.{digest}.{ending}", content, _KINDS[ending])


def asset_address(name: str) -> str:
    return assets()[name].address


def asset_routes() -> list[Route]:
    """Anybody may have them: they tell nothing."""
    return [_route(asset) for asset in assets().values()]


def _route(asset: Asset) -> Route:
    async def serve(_request: Request) -> Response:
        return Response(asset.content, headers=_FOR_GOOD, media_type=asset.kind)

    return Route(asset.address, serve, methods=["GET"])

"""The page that a link in a notice leads to: it shows what is asked, and answers once somebody says so there."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import clipped, printable
from freehold.gateway.gateway import Gateway
from freehold.gateway.guards import ROUTE
from freehold.notices.answers import Offer
from freehold.notices.links import ANSWER_PATH

_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid;border-radius:.3rem;padding:.8rem}"
    "button{font:inherit;padding:.6rem 1.2rem}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "same-origin",  # with none, a form says that it comes from nowhere
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
}


def answer_routes(gateway: Gateway) -> list[Route]:
    """Looking answers nothing: what fetches links for a preview, or to check them, only looks. Whoever has the link
    need not log in: it is a key to this one answer."""
    answers = gateway.notices.answers

    async def show(request: Request) -> Response:
        request.scope[ROUTE] = ANSWER_PATH
        try:
            return _page(_question(await answers.offer(request.path_params["token"])))
        except FreeholdError as error:
            return _failed(error)

    async def give(request: Request) -> Response:
        request.scope[ROUTE] = ANSWER_PATH
        try:
            return _page(_given(await answers.give(request.path_params["token"])))
        except FreeholdError as error:
            gateway.metrics.failed(error)
            return _failed(error)

    path = ANSWER_PATH + "{token}"
    return [Route(path, show, methods=["GET"]), Route(path, give, methods=["POST"])]


def _question(offer: Offer) -> str:
    until = offer.asked.until[:19].replace("T", " ")
    return (
        f"<h1>{escape(offer.agent)} asks for permission</h1>"
        f"<pre>{escape(printable(offer.asked.title))}</pre>"
        f"<p>Run {escape(offer.run_id)}. It waits until {escape(until)} UTC.</p>"
        f'<form method="post"><button>{_option(offer)}</button></form>'
    )


def _given(offer: Offer) -> str:
    return (
        f"<h1>Answered: {_option(offer)}</h1><pre>{escape(printable(offer.asked.title))}</pre>"
        f"<p>Run {escape(offer.run_id)}.</p>"
    )


def _failed(error: FreeholdError) -> Response:
    gone = error.code is Code.NOT_FOUND
    title = "There is nothing to answer" if gone else "It could not be answered"
    text = f"<h1>{title}</h1><p>{escape(error.message)}. {escape(error.hint)}</p>"
    return _page(text, error.http_status)


def _option(offer: Offer) -> str:
    return escape(clipped(offer.option.name) or clipped(offer.option.kind) or "this")


def _page(body: str, status: int = 200) -> Response:
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head += f"<title>Freehold</title><style>{_STYLE}</style>"
    return HTMLResponse(f"<!doctype html><html lang=en><head>{head}</head>{body}</html>", status, _HEADERS)

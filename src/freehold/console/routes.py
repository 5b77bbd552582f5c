"""The console's routes: pages, forms and assets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from freehold.base.errors import Code, FreeholdError
from freehold.console.actions import ACTIONS, Action
from freehold.console.assets_folder import asset_routes
from freehold.console.hearings import Hearings
from freehold.console.pages import (
    agents,
    audit,
    configuration,
    keys,
    left,
    locks,
    queue,
    receipts,
    runs,
    triggers,
    usage,
)
from freehold.console.project_api import ProjectApi
from freehold.console.rendering import NOBODY, render
from freehold.console.visit import HEADERS, Visit

Show = Callable[[Visit], Awaitable[Response]]

_PAGES: tuple[tuple[str, Show], ...] = (
    ("/", agents.every),
    ("/agents/{name}", agents.one),
    ("/runs", runs.every),
    ("/runs/{id}/files", left.every),
    ("/runs/{id}/files/view", left.one),
    ("/queue", queue.page),
    ("/triggers/{id}", triggers.one),
    ("/receipts", receipts.every),
    ("/receipts/{id}", receipts.one),
    ("/locks", locks.page),
    ("/usage", usage.page),
    ("/configuration", configuration.page),
    ("/keys", keys.every),
    ("/audit", audit.page),
)
_ANSWERED: tuple[tuple[str, Show], ...] = (("/keys", keys.make),)
"""Forms whose answer is a page that no address leads to."""


def console_routes(api: ProjectApi) -> list[BaseRoute]:
    """To be served beside `/api/v1`; `POST /login` and `/logout` are the gateway's."""
    pages = [_page(api, path, show) for path, show in _PAGES]
    pages += [_page(api, path, show, "POST") for path, show in _ANSWERED]
    pages.append(_page(api, "/runs/{id}", runs.one_of(Hearings())))
    return [*asset_routes(), _login(api), *pages, *(_form(api, action) for action in ACTIONS)]


def _login(api: ProjectApi) -> Route:
    async def serve(request: Request) -> Response:
        failed = bool(request.query_params.get("failed"))
        values = {"failed": failed, "next": request.query_params.get("next", "/")}
        text = render("login.html", NOBODY, api.now(), api.project_name(), "/login", **values)
        return HTMLResponse(text, headers=HEADERS)

    return Route("/login", serve, methods=["GET"])


def _page(api: ProjectApi, path: str, show: Show, method: str = "GET") -> Route:
    async def serve(request: Request) -> Response:
        return await _shown(api, request, show)

    return Route(path, serve, methods=[method])


def _form(api: ProjectApi, action: Action) -> Route:
    async def do(visit: Visit) -> Response:
        request = visit.request
        form = await api.form(request)
        names = {name: str(value) for name, value in request.path_params.items()}
        endpoint = action.endpoint or action.path
        answer = await api.ask(request, action.method, endpoint, names, {}, action.body(form))
        return RedirectResponse(action.leads_to(names, answer, form.get("back", "")), 303, HEADERS)

    async def serve(request: Request) -> Response:
        return await _shown(api, request, do)

    return Route(action.path, serve, methods=["POST"])


async def _shown(api: ProjectApi, request: Request, show: Show) -> Response:
    try:
        visitor = await api.visitor(request)
    except FreeholdError as error:
        if error.code is not Code.UNAUTHENTICATED:
            text = render("failed.html", NOBODY, api.now(), api.project_name(), "/", error=error)
            return HTMLResponse(text, error.http_status, HEADERS)
        return _to_login(request)
    visit = Visit(api, request, visitor)
    try:
        return await show(visit)
    except FreeholdError as error:
        return visit.failed(error)


def _to_login(request: Request) -> Response:
    """A page that renews itself is told to go there as a whole."""
    query = f"?{request.url.query}" if request.url.query else ""
    address = "/login"
    if request.method == "GET" and request.url.path != "/":
        address += "?next=" + quote(request.url.path + query, safe="/")
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={**HEADERS, "HX-Redirect": "/login"})
    return RedirectResponse(address, 303, HEADERS)

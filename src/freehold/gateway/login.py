"""`POST /login` and `/logout`: a browser's session for a key, which the browser then forgets."""

from __future__ import annotations

from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.gateway.answers import ErrorPage, as_answer, as_json
from freehold.gateway.authentication import (
    LONGEST_KEY,
    client_address,
    form_of,
    require_csrf,
    told_address,
    who_asks,
)
from freehold.gateway.gateway import Gateway
from freehold.gateway.guards import ROUTE
from freehold.gateway.session_cookie import SessionCookie
from freehold.gateway.throttle import ThrottledError
from freehold.wire.service import Done, LoggedIn, LogIn


def login_routes(gateway: Gateway, error_page: ErrorPage | None = None) -> list[Route]:
    """Each also at the path of the system before, in whose words it then answers. A browser that cannot be let in is
    told so by `error_page`, where there is one."""

    async def log_in(request: Request) -> Response:
        request.scope[ROUTE] = "/login"
        form = form_of(request.headers, await request.body())
        try:
            session = await _opened(gateway, request, form)
        except FreeholdError as error:
            return _refused(request, error, form, error_page)
        if form:
            response: Response = RedirectResponse(_inside(form.get("next", "")), 303)
        else:
            actor = await gateway.access.by_session(session)
            legacy = request.url.path.startswith("/api/")
            answer = {"success": True, "csrf": actor.csrf if actor else ""}
            response = as_json(answer if legacy else LoggedIn(str(answer["csrf"])))
        SessionCookie(gateway.public_url, request).set(response, session)
        return response

    async def log_out(request: Request) -> Response:
        request.scope[ROUTE] = "/logout"
        cookie = SessionCookie(gateway.public_url, request)
        session = cookie.session()
        try:
            actor = await who_asks(gateway, request)
            require_csrf(actor, request.headers, await request.body())
        except FreeholdError as error:
            if error.code is not Code.UNAUTHENTICATED:  # whoever is not in is out
                return as_answer(request.headers, error, error_page)
        if session:
            await gateway.access.log_out(session)
            await gateway.streams.look_who_follows()
        legacy = request.url.path.startswith("/api/")
        form = form_of(request.headers, await request.body())
        response = RedirectResponse("/login", 303) if form else as_json({"success": True} if legacy else Done())
        cookie.delete(response)
        return response

    return [
        *(Route(path, log_in, methods=["POST"]) for path in ("/login", "/api/auth/login")),
        *(Route(path, log_out, methods=["POST"]) for path in ("/logout", "/api/auth/logout")),
    ]


async def _opened(gateway: Gateway, request: Request, form: dict[str, str]) -> Secret:
    address = client_address(request)
    key = Secret((form.get("key", "") if form else _key_in(await request.body()))[:LONGEST_KEY].strip())
    known = await gateway.access.by_key(key)
    beginning = SessionCookie(gateway.public_url, request).beginning
    session = await gateway.access.log_in(key, told_address(request), beginning) if known else None
    if session is None:
        gateway.metrics.wrong_key()
        gateway.throttle.admit(address)  # a right key is never kept waiting: strangers cannot keep anybody out
        raise FreeholdError(Code.UNAUTHENTICATED, "nobody has this key", "`freehold keys add` makes one.")
    gateway.throttle.succeeded(address)
    return session


def _key_in(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=LogIn).key
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FreeholdError(Code.PROTOCOL, "the body is not what is expected", 'JSON: {"key": "..."}') from None


def _refused(
    request: Request, error: FreeholdError, form: dict[str, str], error_page: ErrorPage | None
) -> Response:  # fmt: skip
    if form and error.code is Code.UNAUTHENTICATED:
        wanted = _inside(form.get("next", ""))
        further = f"&next={quote(wanted, safe='/')}" if wanted != "/" else ""
        return RedirectResponse(f"/login?failed=1{further}", 303)
    retry_after_s = error.retry_after_s if isinstance(error, ThrottledError) else 5
    return as_answer(request.headers, error, error_page, retry_after_s=retry_after_s)


def _inside(path: str) -> str:
    """A path of ours to go on to; never another site (`//elsewhere`, `/\\elsewhere`)."""
    fine = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if fine else "/"

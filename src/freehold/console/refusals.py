"""What a browser is shown where no page of the console is: an address that leads nowhere, a login that is held back."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import HTMLResponse, Response

from freehold.base.errors import FreeholdError
from freehold.console.project_api import ProjectApi
from freehold.console.rendering import NOBODY, render
from freehold.console.visit import HEADERS


def error_page(api: ProjectApi) -> Callable[[FreeholdError, int], Response]:
    """Makes the page of an error, with the status that it is answered with. It tells nothing but the error."""

    def page(error: FreeholdError, status: int) -> Response:
        text = render("failed.html", NOBODY, api.now(), api.project_name(), "/", error=error)
        return HTMLResponse(text, status, HEADERS)

    return page

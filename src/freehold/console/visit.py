"""One request to a page: who looks, what the API says to it, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from freehold.base.errors import FreeholdError
from freehold.console.project_api import ProjectApi, Visitor
from freehold.console.rendering import render

SAID = {
    "triggered": "Taken in: it begins as soon as it may.",
    "triggered_held": "Taken in. It waits: nothing of it begins now, and its agent says why.",
    "enabled": "It is enabled.",
    "disabled": "It is disabled: it begins nothing any more.",
    "killed": "It was asked to end.",
    "retried": "Taken in again: it begins as soon as it may.",
    "answered": "Your answer was passed on.",
    "replayed": "It waits again.",
    "discarded": "It will not begin.",
    "scaled": "It may have so many runs at a time from now on.",
    "told": "It is passed on.",
    "told_later": "It waits, and is said when the turn that is under way has ended.",
    "interrupted": "It was asked to end the turn.",
    "finishing": "The chat ends when all that was said is answered.",
    "given_up": "It is given up for good.",
    "key_revoked": "The key opens nothing any more.",
    "released": "The lock is released.",
    "paused": "The project is paused: nothing begins.",
    "resumed": "The project goes on.",
}
"""After a form: chosen from here by the address, so that no address can make a page say something."""
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",  # with none, a form says that it comes from nowhere
}


@dataclass(frozen=True)
class Visit:
    api: ProjectApi
    request: Request
    visitor: Visitor

    async def get(self, path: str, query: Mapping[str, str] | None = None, **names: str) -> Any:
        """Raises what the endpoint raises."""
        return await self.api.ask(self.request, "GET", path, names, query or {}, {})

    def query(self, *names: str) -> dict[str, str]:
        """Those of them that are given."""
        return {name: self.request.query_params[name] for name in names if self.request.query_params.get(name)}

    def page(self, template: str, http_status: int = 200, **values: Any) -> Response:
        url = self.request.url
        here = url.path + (f"?{url.query}" if url.query else "")
        said = SAID.get(self.request.query_params.get("said", ""), "")
        text = render(
            template, self.visitor, self.api.now(), self.api.project_name(), here, **{"said": said, **values}
        )  # fmt: skip
        return HTMLResponse(text, http_status, HEADERS)

    def elsewhere(self, address: str) -> Response:
        """Lead the browser there, also when the page renews itself."""
        if self.request.headers.get("hx-request"):
            return Response(status_code=200, headers={**HEADERS, "HX-Redirect": address})
        return RedirectResponse(address, 303, HEADERS)

    def failed(self, error: FreeholdError) -> Response:
        return self.page("failed.html", error.http_status, error=error)

"""What the edge itself answers: few words, calm, and no more than a visitor needs (pure)."""

from __future__ import annotations

import json

_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>{title}</title><style>body{{font:1.1rem/1.6 system-ui,sans-serif;max-width:32rem;margin:20vh auto;"
    "padding:0 1.5rem;color:#222;background:#fff}}@media(prefers-color-scheme:dark){{body{{color:#ddd;"
    "background:#181818}}}}</style><h1>{title}</h1><p>{text}</p></html>"
)
_AWAY = {
    500: ("Something went wrong", "The server could not answer this. Please try again in a minute."),
    502: ("Away for a moment", "What you asked for is not answering just now. Please try again in a minute."),
    503: ("Away for a moment", "What you asked for is being changed or started. Please try again in a minute."),
    504: ("Taking too long", "What you asked for did not answer in time. Please try again in a minute."),
}


def error_pages() -> list[str]:
    """Lines of `defaults`: what people see when a project does not answer."""
    return [
        f"    http-error status {status} content-type text/html hdr cache-control no-store"
        + (" hdr retry-after 5" if status == 503 else "")
        + f" string '{_PAGE.format(title=title, text=text)}'"
        for status, (title, text) in _AWAY.items()
    ]


def refusal(status: int, code: str, message: str, hint: str, *headers: tuple[str, str]) -> str:
    """The end of a rule: an answer of the shape of the gateway's own errors."""
    body = json.dumps({"code": code, "message": message, "hint": hint})
    extra = "".join(f" hdr {name} {value}" for name, value in headers)
    return f"return status {status} content-type application/json hdr cache-control no-store{extra} string '{body}'"

"""The OpenAPI 3.1 document of `/api/v1`, from the endpoints themselves. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from freehold import __version__
from freehold.gateway.endpoint import LARGEST_PAGE, LONGEST_VALUE, Endpoint
from freehold.wire.runs import Result, TriggerType
from freehold.wire.service import API

_PARAMETER = re.compile(r"\{(\w+)\}")
_TEXT = {"type": "string", "maxLength": LONGEST_VALUE, "pattern": r"^[^\x00]*$"}
_MOMENT = r"20\d\d-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{3})?Z"
"""A little narrower than what is taken: every such text is one."""


def _number(least: int, most: int, words: str) -> dict[str, Any]:
    return {"schema": {"type": "integer", "minimum": least, "maximum": most}, "description": words}


def _words(words: str) -> dict[str, Any]:
    return {"schema": _TEXT, "description": words}


def _moment(words: str) -> dict[str, Any]:
    return {"schema": {"type": "string", "pattern": f"^({_MOMENT})?$"}, "description": words}


def _several(kind: Iterable[str], words: str) -> dict[str, Any]:
    schema = {"type": "array", "items": {"type": "string", "enum": [str(value) for value in kind]}}
    return {"schema": schema, "style": "form", "explode": False, "description": words}


_QUERY = {
    "limit": _number(1, LARGEST_PAGE, "How many at most; 50 unless it is said."),
    "days": _number(1, 3660, "How many days, today included; 30 unless it is said."),
    "after": _number(0, 2**53, "The number of the last event seen."),
    "follow": _number(0, 1, "1: go on until the run ends."),
    "agent": _words("Of this agent."),
    "source": _words("Of this webhook source."),
    "status": {
        "schema": {"type": "string", "enum": ["accepted", "unmatched", "refused"]},
        "description": "What became of it.",
    },
    "text": _words("What it says."),
    "path": {"schema": {"type": "string", "minLength": 1, "maxLength": 4096}, "description": "As the list has it."},
    "before": _words("The page after this one: the id of the last one seen."),
    "before_moment": {
        "schema": {"type": "string", "pattern": rf"^({_MOMENT}(~[a-z0-9-]{{1,100}})?)?$"},
        "description": "What the page before said, or a moment.",
    },
    "since": _moment("From this moment on."),
    "until": _moment("Before this moment."),
    "actor": _words("By this one: a key's name."),
    "action": _words("This was done, for example `agent.scale`."),
    "result": _several(Result, "How it ended."),
    "trigger": _several(TriggerType, "Why it started."),
}

_ERROR = {
    "type": "object",
    "required": ["code", "message", "hint"],
    "properties": {name: {"type": "string"} for name in ("code", "message", "hint")},
}


def document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The document, as JSON has it."""
    endpoints = tuple(endpoints)
    kinds = [kind for endpoint in endpoints for kind in (endpoint.body, endpoint.answer) if kind is not None]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    known = iter(schemas)
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        body = next(known) if endpoint.body is not None else None
        answer = next(known) if endpoint.answer is not None else None
        paths.setdefault(API + endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, body, answer)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Freehold", "version": __version__, "description": "A running project."},
        "paths": paths,
        "components": {
            "schemas": {**components, "Error": _ERROR},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "fh_session"},
            },
        },
        "security": [{"key": []}, {"session": []}],
    }


def _operation(endpoint: Endpoint, body: Any, answer: Any) -> dict[str, Any]:
    names = _PARAMETER.findall(endpoint.path)
    path = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    known = {**_QUERY, "before": _QUERY["before_moment" if endpoint.path == "/runs" else "before"]}
    query = [{"name": name, "in": "query", "required": False, **known[name]} for name in endpoint.query]
    operation: dict[str, Any] = {
        "operationId": _id(endpoint),
        "summary": endpoint.summary,
        "description": f"Needs a key with the scope `{endpoint.scope}`.",
        "parameters": [*path, *query],
        "responses": {
            str(endpoint.status): _answered(endpoint, answer),
            "default": {"description": "What went wrong.", "content": _json({"$ref": "#/components/schemas/Error"})},
        },
    }
    if body is not None:
        operation["requestBody"] = {"required": _needs_body(endpoint), "content": _json(body)}
    return operation


def _answered(endpoint: Endpoint, answer: Any) -> dict[str, Any]:
    if endpoint.path.endswith("/events"):
        kinds = ["text/event-stream"] if answer else ["text/event-stream", "application/jsonl"]
        return {"description": "A stream.", "content": {kind: {"schema": {"type": "string"}} for kind in kinds}}
    if answer is None:
        return {"description": "A file.", "content": {"application/octet-stream": {}}}
    return {"description": "Done.", "content": _json(answer)}


def _needs_body(endpoint: Endpoint) -> bool:
    return any(field.required for field in msgspec.structs.fields(endpoint.body))


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _id(endpoint: Endpoint) -> str:
    words = _PARAMETER.sub(r"by_\1", endpoint.path).strip("/").replace("/", "_").replace("-", "_")
    return f"{endpoint.method.lower()}_{words}"

"""What a provider's API takes and says: our own schemas, and the owner's description where it is at hand.

Ours are minimal, written from what the clients send and need, and always checked. The owners' documents name no licence
(Hetzner, Vultr), so no part of them is in this repository; where they lie beside it, they are checked as well.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

SPECS = Path(__file__).parents[3] / "shared" / "specs"
_ONLY_IN_ANSWERS = frozenset({"id", "version", "last_updated", "created_on", "modified_on", "proxiable", "meta"})
"""Cloudflare's document requires them of requests, too, and says beside it that they are read only."""

Schema = Mapping[str, Any]


def record(required: Mapping[str, Any], optional: Mapping[str, Any] | None = None, *, closed: bool = False) -> Schema:
    """The schema of an object. `closed`: nothing else may be in it."""
    properties = {**required, **(optional or {})}
    schema = {"type": "object", "required": list(required), "properties": properties}
    return {**schema, "additionalProperties": False} if closed else schema


def array(of: Any) -> Schema:
    return {"type": "array", "items": of}


def one_of(*words: Any) -> Schema:
    return {"enum": list(words)}


def maybe(schema: Any) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


STRING: Schema = {"type": "string"}
WORD: Schema = {"type": "string", "minLength": 1}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
WORDS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}


@dataclass(frozen=True)
class Operation:
    """`query` names what may be asked for; `answers` are by status, and none is given for an empty body.

    `newer`: the owner's document at hand does not have it yet.
    """

    body: Schema | None = None
    query: frozenset[str] = frozenset()
    answers: Mapping[int, Schema | None] = field(default_factory=dict)
    newer: bool = False


class Contract:
    """`operations` by `GET /servers/{id}`. `document` is the owner's file below the specs folder."""

    def __init__(self, operations: Mapping[str, Operation], error: Schema, document: str) -> None:
        self._operations = {key: (_pattern(key), operation) for key, operation in operations.items()}
        self._error = error
        path = SPECS / document
        self._owners = _Description(path) if path.exists() else None

    def problems_of_request(self, method: str, path: str, query: Mapping[str, list[str]], body: Any) -> list[str]:
        key, operation = self._find(method, path)
        if operation is None:
            return [f"there is no {method} {path}"]
        found = [f"{key} has no parameter {name}" for name in query if name not in operation.query]
        if (body is None) != (operation.body is None):
            found.append(f"{key} {'wants a' if body is None else 'has no'} body")
        elif operation.body is not None:
            found += _violations(operation.body, body, f"{key} body")
        if self._owners and not operation.newer:
            found += self._owners.problems_of_request(key, query, body)
        return found

    def problems_of_answer(self, method: str, path: str, status: int, body: Any) -> list[str]:
        key, operation = self._find(method, path)
        if operation is None or status >= 400:
            return _violations(self._error, body, f"{method} {path} {status}")
        if status not in operation.answers:
            return [f"{key} is never answered with {status}"]
        schema = operation.answers[status]
        if schema is None:
            return [] if body is None else [f"{key} {status} has no body"]
        found = _violations(schema, body, f"{key} {status}")
        if self._owners and not operation.newer:
            found += self._owners.problems_of_answer(key, status, body)
        return found

    def _find(self, method: str, path: str) -> tuple[str, Operation | None]:
        matching = (
            (key, one) for key, (pattern, one) in self._operations.items() if pattern.fullmatch(f"{method} {path}")
        )
        return next(matching, ("", None))


class _Description:
    """The owner's OpenAPI document; `oneOf` is read as `anyOf`, since its alternatives overlap."""

    def __init__(self, path: Path) -> None:
        self._document, self._registry = _load(path)

    def problems_of_request(self, key: str, query: Mapping[str, list[str]], body: Any) -> list[str]:
        operation, pointer = self._operation(key)
        if operation is None:
            return [f"the owner has no {key}"]
        known = {self._resolved(one)["name"] for one in operation.get("parameters", [])}
        found = [f"the owner's {key} has no parameter {name}" for name in query if name not in known]
        if body is not None:
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            if "schema" in content:
                where = f"{pointer}/requestBody/content/application~1json/schema"
                found += self._violations(where, body, f"owner's {key} body", of_request=True)
        return found

    def problems_of_answer(self, key: str, status: int, body: Any) -> list[str]:
        operation, pointer = self._operation(key)
        if operation is None or str(status) not in operation["responses"]:
            return [f"the owner's {key} has no answer {status}"]
        content = self._resolved(operation["responses"][str(status)]).get("content", {}).get("application/json", {})
        if "schema" not in content or "$ref" in operation["responses"][str(status)]:
            return []
        where = f"{pointer}/responses/{status}/content/application~1json/schema"
        return self._violations(where, body, f"owner's {key} {status}")

    def _operation(self, key: str) -> tuple[dict[str, Any] | None, str]:
        method, _, template = key.partition(" ")
        fitting = [path for path in self._document["paths"] if _covers(path, template)]
        for path in sorted(fitting, key=lambda path: path.count("{")):
            operations = self._document["paths"][path]
            if method.lower() in operations:
                pointer = "/paths/" + path.replace("~", "~0").replace("/", "~1") + "/" + method.lower()
                return operations[method.lower()], pointer
        return None, ""

    def _resolved(self, value: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in value:
            target: Any = self._document
            for part in value["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            value = target
        return value

    def _violations(self, pointer: str, value: Any, where: str, *, of_request: bool = False) -> list[str]:
        document = "urn:requests" if of_request else "urn:answers"
        validator = Draft202012Validator({"$ref": f"{document}#{pointer}"}, registry=self._registry)
        return [f"{where}: {error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]


def _violations(schema: Schema, value: Any, where: str) -> list[str]:
    return [
        f"{where}: {error.json_path}: {error.message[:200]}"
        for error in Draft202012Validator(schema).iter_errors(value)
    ]


def _pattern(key: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", r"[^/]+", re.escape(key)))


def _covers(owners: str, ours: str) -> bool:
    """Owners name the parts of paths otherwise, and have parts where ours is one word: `settings/{setting_id}`."""
    pattern = "/".join("[^/]+" if part.startswith("{") else re.escape(part) for part in owners.split("/"))
    return re.fullmatch(pattern, ours) is not None


@functools.cache
def _load(path: Path) -> tuple[dict[str, Any], Registry[Any]]:
    """The document, and a registry that holds it twice: once without what only answers have."""
    written = json.loads(path.read_text())
    document, requests = _as_json_schema(written, frozenset()), _as_json_schema(written, _ONLY_IN_ANSWERS)
    return document, Registry().with_resources(
        [("urn:answers", _resource(document)), ("urn:requests", _resource(requests))]
    )


def _resource(document: Any) -> Resource[Any]:
    return Resource.from_contents(document, default_specification=DRAFT202012)


def _as_json_schema(value: Any, not_required: frozenset[str]) -> Any:
    """OpenAPI 3.0's `nullable`, alternatives that are no alternatives, and fields that are required too often."""
    if isinstance(value, list):
        return [_as_json_schema(item, not_required) for item in value]
    if not isinstance(value, dict):
        return value
    schema = {("anyOf" if key == "oneOf" else key): _as_json_schema(item, not_required) for key, item in value.items()}
    if isinstance(schema.get("required"), list):
        schema["required"] = [name for name in schema["required"] if name not in not_required]
    if schema.pop("nullable", None) is True:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema

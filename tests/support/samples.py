"""Documents made from a JSON Schema: the smallest and the fullest of every variant."""

from __future__ import annotations

from typing import Any

JsonObject = dict[str, Any]


class Samples:
    """Documents that a definition of `schema` allows; recursion stops at `depth` by leaving out optional members."""

    def __init__(self, schema: JsonObject) -> None:
        self._definitions: JsonObject = schema["$defs"]

    def of(self, name: str) -> list[Any]:
        definition = self._definitions[name]
        return [*self._make(definition, full=False, depth=4), *self._make(definition, full=True, depth=4)]

    def _make(self, schema: JsonObject, *, full: bool, depth: int) -> list[Any]:
        if not schema:
            return [{"any": "thing"}]
        if "$ref" in schema:
            return self._make(self._definitions[schema["$ref"].rsplit("/", 1)[1]], full=full, depth=depth)
        if "const" in schema:
            return [schema["const"]]
        if "enum" in schema:
            return list(schema["enum"])
        if "properties" in schema or schema.get("type") == "object":
            return self._objects(schema, full=full, depth=depth)
        for word in ("oneOf", "anyOf"):
            if word in schema:
                return [made for variant in schema[word] for made in self._make(variant, full=full, depth=depth)]
        if "allOf" in schema:
            return self._make(schema["allOf"][0], full=full, depth=depth)
        return self._plain(schema, full=full, depth=depth)

    def _objects(self, schema: JsonObject, *, full: bool, depth: int) -> list[Any]:
        required = schema.get("required", [])
        properties: JsonObject = schema.get("properties", {})
        names = [name for name in properties if name in required or (full and depth > 0)]
        choices = {name: self._make(properties[name], full=full, depth=depth - 1) for name in names}
        base = {name: values[0] for name, values in choices.items() if values}
        made = [base]
        made += [{**base, name: value} for name, values in choices.items() for value in values[1:]]
        return [
            {**theirs, **mine}
            for mine in made
            for theirs in self._parents(schema, full=full, depth=depth)
        ]  # fmt: skip

    def _parents(self, schema: JsonObject, *, full: bool, depth: int) -> list[Any]:
        """What `allOf` and a discriminated `oneOf` beside `properties` add to an object."""
        parents: list[Any] = [{}]
        for part in schema.get("allOf", []):
            parents = [{**old, **new} for old in parents for new in self._make(part, full=full, depth=depth)]
        if "oneOf" in schema and "properties" in schema:
            variants = [made for part in schema["oneOf"] for made in self._make(part, full=full, depth=depth)]
            parents = [{**old, **new} for old in parents for new in variants]
        return parents

    def _plain(self, schema: JsonObject, *, full: bool, depth: int) -> list[Any]:
        kinds = schema.get("type", "string")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        values: JsonObject = {"string": "text", "integer": 1, "number": 0.5, "boolean": True, "null": None}
        made: list[Any] = []
        for kind in kinds:
            if kind == "object":
                made.append({"key": "value"})
            elif kind == "array":
                items = self._make(schema.get("items", {}), full=full, depth=depth - 1)
                made.append(items if full and depth > 0 else [])
            else:
                made.append(values[kind])
        return made

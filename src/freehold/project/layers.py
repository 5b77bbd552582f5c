"""Layers of configuration: later ones win, tables are merged, arrays replaced, and origins are remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from freehold.project.problems import KeyPath

Table = dict[str, Any]


@dataclass(frozen=True)
class Layer:
    """One file's table; `name` is how messages call the file."""

    name: str
    table: Mapping[str, Any]


@dataclass(frozen=True)
class Merged:
    """What all layers say together, and which layer said what."""

    table: Table
    _origins: Mapping[KeyPath, str] = field(default_factory=dict)
    _fallback: str = ""

    def origin(self, path: KeyPath) -> str:
        """The name of the layer that wrote `path`, or else the nearest table around it, or else the first layer."""
        while path:
            if path in self._origins:
                return self._origins[path]
            path = path[:-1]
        return self._fallback


def merge(layers: Sequence[Layer]) -> Merged:
    """Deep-merge `layers`, the last one winning. The layers are not changed and share nothing with the result."""
    table: Table = {}
    origins: dict[KeyPath, str] = {}
    for layer in layers:
        _lay(table, layer.table, layer.name, (), origins)
    return Merged(table, origins, layers[0].name if layers else "")


def _lay(below: Table, above: Mapping[str, Any], name: str, at: KeyPath, origins: dict[KeyPath, str]) -> None:
    for key, value in above.items():
        path = (*at, key)
        if isinstance(value, Mapping):
            if not isinstance(below.get(key), dict):
                below[key] = {}
            origins[path] = name
            _lay(below[key], value, name, path, origins)
        else:
            if isinstance(below.get(key), dict):
                _forget(path, origins)
            below[key] = _copy(value)
            origins[path] = name


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_copy(item) for item in value]
    return value


def _forget(path: KeyPath, origins: dict[KeyPath, str]) -> None:
    for known in [known for known in origins if known[: len(path)] == path]:
        del origins[known]

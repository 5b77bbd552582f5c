"""Does a table have the shape that its keys ask for? Every deviation is reported; what comes out is safe to use."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from freehold.base.words import parse_size
from freehold.project.key import Gone, Key, Kind
from freehold.project.problems import KeyPath, Reporter, unknown

_TYPES = {str: "a string", bool: "true or false", int: "a whole number", float: "a number", list: "a list"}


def fit(
    table: Mapping[str, Any],
    keys: Sequence[Key],
    report: Reporter,
    at: KeyPath = (),
    gone: Sequence[Gone] = (),
) -> dict[str, Any]:
    """The value of every key in `keys`: as written where it is right, else the default (and then reported).

    Keys that are not known are reported with what was perhaps meant. Sizes become bytes.
    """
    report_strangers(table, keys, report, at, gone)
    return {key.name: _value(table, key, report, at) for key in keys}


def report_strangers(
    table: Mapping[str, Any], keys: Sequence[Key], report: Reporter, at: KeyPath = (), gone: Sequence[Gone] = ()
) -> None:
    """Report every key of `table` that is none of `keys`, with what to write instead."""
    known = {spelling for key in keys for spelling in key.spellings}
    hints = {key.name: key.hint for key in gone}
    for name in table:
        if name in known:
            continue
        if name in hints:
            report.error((*at, name), hints[name])
        else:
            report.error((*at, name), unknown("key", name, [key.name for key in keys]))


def _value(table: Mapping[str, Any], key: Key, report: Reporter, at: KeyPath) -> Any:
    written = [spelling for spelling in key.spellings if spelling in table]
    if not written:
        if key.required:
            report.error((*at, key.name), f"is missing: {key.doc[:1].lower()}{key.doc[1:]}")
        return _empty(key)
    for spelling in written[1:]:
        report.warning((*at, spelling), f'is ignored, because "{written[0]}" says the same')
    if written[0] in key.formerly:
        report.warning((*at, written[0]), f'is the old name of "{key.name}"')
    return checked(table[written[0]], key, report, (*at, written[0]))


def checked(value: Any, key: Key, report: Reporter, path: KeyPath) -> Any:
    """`value` as `key` wants it, else what the key has when nothing is written (and then reported)."""
    problem = _problem(value, key)
    if problem:
        report.error(path, problem)
        return _empty(key)
    match key.kind:
        case Kind.SIZE:
            return parse_size(value)
        case Kind.TABLE:
            return fit(value, key.keys, report, path)
        case Kind.NAMED_TABLES:
            return _named_tables(value, key, report, path)
        case Kind.TABLES:
            return [
                fit(item, key.keys, report, (*path, index)) if key.keys else item for index, item in enumerate(value)
            ]
        case Kind.STRING_OR_TABLE | Kind.STRINGS_OR_TABLE if isinstance(value, Mapping):
            return fit(value, key.keys, report, path)
        case _:
            return value


def _named_tables(value: Mapping[str, Any], key: Key, report: Reporter, path: KeyPath) -> dict[str, Any]:
    tables = {}
    for name, item in value.items():
        if not isinstance(item, Mapping):
            report.error((*path, name), f"must be a table, not {_kind_of(item)}; write [{path[-1]}.{name}]")
        else:
            tables[name] = fit(item, key.keys, report, (*path, name)) if key.keys else item
    return tables


def _problem(value: Any, key: Key) -> str:
    """Why `value` is not what `key` wants, looking no deeper than itself; empty when it is."""
    if not _is_of_kind(value, key.kind):
        message = f"must be {key.kind.words}, not {_kind_of(value)}"
        return (
            f"{message}; put it in brackets: [...]" if key.kind is Kind.STRINGS and isinstance(value, str) else message
        )
    if key.choices and isinstance(value, str) and value not in (*key.choices, *key.quiet_choices):
        return unknown("value", value, key.choices)
    if key.kind in (Kind.INTEGER, Kind.NUMBER):
        if isinstance(value, float) and not math.isfinite(value):
            return "must be a number"
        if key.minimum is not None and value < key.minimum:
            return f"must be at least {key.minimum:g}, not {value}"
    if key.kind is Kind.SIZE:
        try:
            parse_size(value)
        except ValueError as error:
            return str(error)
    return ""


def _is_of_kind(value: Any, kind: Kind) -> bool:
    match kind:
        case Kind.STRING | Kind.SIZE:
            return isinstance(value, str)
        case Kind.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool)
        case Kind.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case Kind.BOOLEAN:
            return isinstance(value, bool)
        case Kind.STRINGS:
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
        case Kind.STRING_MAP:
            return isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values())
        case Kind.FREE_TABLE | Kind.TABLE | Kind.NAMED_TABLES:
            return isinstance(value, Mapping)
        case Kind.TABLES:
            return isinstance(value, list) and all(isinstance(item, Mapping) for item in value)
        case Kind.STRING_OR_TABLE:
            return isinstance(value, str | Mapping)
        case Kind.STRINGS_OR_TABLE:
            return isinstance(value, Mapping) or _is_of_kind(value, Kind.STRINGS)


def _kind_of(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return f"a list with {_kind_of(value[0])} in it" if value else "an empty list"
    return "nothing" if value is None else _TYPES.get(type(value), f"a {type(value).__name__}")


def _empty(key: Key) -> Any:
    """What stands for a key that is not written: its default; an empty table keeps the defaults of its own keys."""
    match key.kind:
        case Kind.TABLE:
            return {inner.name: _empty(inner) for inner in key.keys}
        case Kind.SIZE if key.default is not None:
            return parse_size(key.default)
        case Kind.NAMED_TABLES | Kind.FREE_TABLE | Kind.STRING_MAP if key.default is None:
            return {}
        case Kind.TABLES | Kind.STRINGS if key.default is None:
            return []
        case _:
            return key.default

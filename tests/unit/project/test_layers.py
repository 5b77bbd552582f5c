from __future__ import annotations

import copy
from typing import Any

import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from freehold.project.layers import Layer, merge
from freehold.project.problems import KeyPath, Problems
from freehold.project.toml import parse_toml

NAMES = st.sampled_from(["models", "local", "a", "b", "c d"])
LEAVES = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.text(max_size=5),
    st.floats(allow_nan=False),
    st.lists(st.integers(0, 9), max_size=2),
)
TABLES = st.recursive(
    st.dictionaries(NAMES, LEAVES, max_size=3), lambda inner: st.dictionaries(NAMES, LEAVES | inner, max_size=3)
)


def leaves(table: dict[str, Any], at: KeyPath = ()) -> dict[KeyPath, Any]:
    found: dict[KeyPath, Any] = {}
    for key, value in table.items():
        found.update(leaves(value, (*at, key)) if isinstance(value, dict) else {(*at, key): value})
    return found


def at(table: Any, path: KeyPath) -> Any:
    for key in path:
        if not isinstance(table, dict) or key not in table:
            return None
        table = table[key]
    return table


@given(st.lists(TABLES, max_size=3))
def test_the_last_layer_that_says_something_wins_and_is_named(tables: list[dict[str, Any]]) -> None:
    before = copy.deepcopy(tables)
    merged = merge([Layer(f"file{index}", table) for index, table in enumerate(tables)])
    assert tables == before
    for path, value in leaves(merged.table).items():
        writers = [index for index, table in enumerate(tables) if path in leaves(table)]
        assert at(tables[writers[-1]], path) == value
        assert merged.origin(path) == f"file{writers[-1]}"


@given(TABLES, TABLES, TABLES)
def test_merging_is_associative(one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]) -> None:
    at_once = merge([Layer("", one), Layer("", two), Layer("", three)]).table
    in_steps = merge([Layer("", merge([Layer("", one), Layer("", two)]).table), Layer("", three)]).table
    assert at_once == in_steps


@given(TABLES)
def test_a_layer_over_nothing_or_itself_is_itself(table: dict[str, Any]) -> None:
    assert merge([Layer("", {}), Layer("", table)]).table == table
    assert merge([Layer("", table), Layer("", table)]).table == table


@given(TABLES)
def test_toml_gives_back_what_was_written(table: dict[str, Any]) -> None:
    problems = Problems()
    assert parse_toml(tomlkit.dumps(table), "config.toml", problems) == table
    assert not problems.errors


def test_tables_are_merged_and_arrays_replaced() -> None:
    merged = merge(
        [
            Layer("config.toml", {"local": {"cpus": 2, "memory": "4g"}, "egress": ["a.example", "b.example"]}),
            Layer(".env.toml", {"local": {"cpus": 1}, "egress": ["c.example"]}),
        ]
    )
    assert merged.table == {"local": {"cpus": 1, "memory": "4g"}, "egress": ["c.example"]}
    assert merged.origin(("local", "cpus")) == ".env.toml"
    assert merged.origin(("local", "memory")) == "config.toml"


def test_what_nobody_wrote_belongs_to_the_nearest_table_else_to_the_first_layer() -> None:
    merged = merge([Layer("config.toml", {}), Layer(".env.toml", {"webhooks": [{"source": "x"}]})])
    assert merged.origin(("webhooks", 0, "source")) == ".env.toml"
    assert merged.origin(("models",)) == "config.toml"


def test_a_table_over_a_value_and_a_value_over_a_table_replace() -> None:
    merged = merge([Layer("1", {"a": {"b": 1}, "c": 1}), Layer("2", {"a": 2, "c": {"d": 3}})])
    assert merged.table == {"a": 2, "c": {"d": 3}}
    assert merged.origin(("a", "b")) == "2"

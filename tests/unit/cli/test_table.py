"""Tables that fit: what is lost first, what goes on in further lines, what stays whole."""

from __future__ import annotations

import pytest

from freehold.cli.table import table_lines

RUN = "dev-01m7y9g1sb1a402sdp59q6rwmt"
HEADERS = ["run", "state", "tokens"]
ROWS = [[RUN, "completed", "1,234"]]
NARROWER = [("run", lambda run: run[-8:]), ("tokens", None)]


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (None, ["RUN                             STATE      TOKENS", f"{RUN}  completed  1,234"]),
        (49, ["RUN                             STATE      TOKENS", f"{RUN}  completed  1,234"]),
        (48, ["RUN       STATE      TOKENS", "59q6rwmt  completed  1,234"]),
        (26, ["RUN       STATE", "59q6rwmt  completed"]),
        (5, ["RUN       STATE", "59q6rwmt  completed"]),
    ],
)
def test_columns_are_shortened_and_left_out_in_their_order(width: int | None, lines: list[str]) -> None:
    assert table_lines(HEADERS, ROWS, width, NARROWER) == lines


def test_prose_goes_on_below_and_names_stay_whole() -> None:
    lines = table_lines(["type", "what"], [["x_twitter_api", "Where the agent may write to, and read"]], 33)
    assert lines == [
        "TYPE           WHAT",
        "x_twitter_api  Where the agent",
        "               may write to, and",
        "               read",
    ]
    assert max(map(len, lines)) <= 33


def test_a_word_that_is_longer_than_the_column_stays_one() -> None:
    name = "a" * 40
    assert table_lines(["a", "b"], [["x", f"see {name} there"]], 20)[1:] == ["x  see", f"   {name}", "   there"]


def test_an_empty_cell_is_a_line_all_the_same() -> None:
    assert table_lines(["a", "b"], [["", "one two three four five six"]], 20) == [
        "A  B", "   one two three", "   four five six",
    ]  # fmt: skip

"""Coalescing: the pieces are the text, they are small, and no secret is cut in two."""

from hypothesis import given
from hypothesis import strategies as st

from freehold.base.redaction import Redaction
from freehold.base.secret import Secret
from freehold.runner.pieces import LONGEST_PIECE, LONGEST_WAIT_S, Pieces

SECRET = "tok-tok-1"
CRUMBS = st.lists(
    st.one_of(st.text(max_size=30), st.sampled_from([SECRET, SECRET[:5], "tok", "-", "x" * 3000, SECRET * 500])),
    max_size=30,
)


def gather(crumbs: list[str], pause_s: float) -> list[str]:
    given_on: list[str] = []
    pieces = Pieces(given_on.append, Redaction([Secret(SECRET)]))
    for count, crumb in enumerate(crumbs):
        pieces.add(crumb, count * pause_s)
        pieces.flush_if_due(count * pause_s)
    pieces.flush()
    return given_on


@given(CRUMBS, st.sampled_from([0.0, 0.2, 1.0]))
def test_the_pieces_are_the_text_and_hide_the_secret(crumbs: list[str], pause_s: float) -> None:
    pieces = gather(crumbs, pause_s)
    text = "".join(crumbs)
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= LONGEST_PIECE for piece in pieces)
    redaction = Redaction([Secret(SECRET)])
    assert sum(piece.count(SECRET) for piece in pieces) == text.count(SECRET)
    assert SECRET not in "".join(redaction.text(piece) for piece in pieces).replace("[hidden]", "\0")


def test_crumbs_wait_and_then_go_as_one() -> None:
    given_on: list[str] = []
    pieces = Pieces(given_on.append, Redaction())
    pieces.add("Hel", 10.0)
    pieces.add("lo", 10.1)
    pieces.flush_if_due(10.0 + LONGEST_WAIT_S - 0.01)
    assert given_on == []
    pieces.flush_if_due(10.0 + LONGEST_WAIT_S)
    assert given_on == ["Hello"]
    pieces.flush()
    assert given_on == ["Hello"]


def test_what_may_be_a_secret_waits_for_what_follows() -> None:
    given_on: list[str] = []
    pieces = Pieces(given_on.append, Redaction([Secret("token-1")]))
    pieces.add("the tok", 0.0)
    pieces.flush_if_due(1.0)
    assert given_on == ["the "]
    pieces.add("en-1", 1.1)
    pieces.flush_if_due(2.0)
    assert given_on == ["the ", "token-1"]

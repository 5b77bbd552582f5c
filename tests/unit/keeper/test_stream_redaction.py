"""A secret in a stream is found wherever it is cut, and nothing else is held back."""

from hypothesis import given
from hypothesis import strategies as st

from freehold.base.secret import Secret
from freehold.keeper.stream_redaction import StreamRedactor

TOKEN = Secret("tok-tokyo-123")


@given(st.lists(st.sampled_from([b"tok-", b"tokyo", b"-123", b"tok-tokyo-123", b"x", b"\n"]), max_size=30), st.data())
def test_it_is_found_wherever_it_is_cut(pieces: list[bytes], data: st.DataObject) -> None:
    text = b"".join(pieces)
    redactor, out, at = StreamRedactor([TOKEN]), b"", 0
    while at < len(text):
        end = data.draw(st.integers(at + 1, len(text)))
        out += redactor.feed(text[at:end])
        at = end
    out += redactor.end()
    assert out == text.replace(b"tok-tokyo-123", b"[hidden]")


def test_only_what_may_be_a_beginning_is_held_back() -> None:
    redactor = StreamRedactor([TOKEN])
    assert redactor.feed(b"data: hello\n\n") == b"data: hello\n\n"
    assert redactor.feed(b"my tok-tok") == b"my "
    assert redactor.feed(b"!") == b"tok-tok!"


def test_short_values_and_none_change_nothing() -> None:
    assert StreamRedactor([Secret("ab")]).feed(b"ab") == b"ab"
    assert StreamRedactor([]).feed(b"anything") == b"anything"

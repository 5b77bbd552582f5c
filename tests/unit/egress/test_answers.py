"""A refusal is told in the status line, in a header and in the body, and nothing in it can add a header."""

import json

from hypothesis import given
from hypothesis import strategies as st

from freehold.base.errors import Code, FreeholdError
from freehold.egress.answers import error_answer


def test_the_reason_is_in_all_three_places() -> None:
    head, _, body = error_answer(FreeholdError(Code.DENIED, 'no "x"', "do y")).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == 'HTTP/1.1 403 no "x": do y'
    assert "Proxy-Status: freehold; details=\"no 'x': do y\"" in lines
    assert f"Content-Length: {len(body)}" in lines
    assert json.loads(body) == {"code": "denied", "message": 'no "x"', "hint": "do y"}


@given(st.text(), st.text())
def test_no_text_breaks_out_of_its_line(message: str, hint: str) -> None:
    clean = FreeholdError(
        Code.DENIED, message.encode("utf-8", "replace").decode(), hint.encode("utf-8", "replace").decode()
    )
    head = error_answer(clean).partition(b"\r\n\r\n")[0]
    assert len(head.split(b"\n")) == 6
    assert head.isascii()

"""Bodies: what can be read, and in which words the rest is refused."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.webhooks.payload import LONGEST_TEXT, Node, cut, payload_of
from tests.support.webhooks import delivery

FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
JSON = {"content-type": "application/json"}

REFUSED: list[tuple[bytes, dict[str, str], str]] = [
    (b"", JSON, "the body is not JSON: "),
    (b"{", JSON, "the body is not JSON: "),
    (b"\xff\xfe{}", JSON, "the body is not JSON: "),
    (b'{"a": "\xff"}', JSON, "the body is not JSON: "),
    (rb'{"a": "\ud800"}', JSON, "the body is not JSON: "),
    (b'{"a": NaN}', JSON, "the body is not JSON: "),
    (b'{"a": 1e999}', JSON, "the body is not JSON: "),
    (b'{"a": ' + b"1" * 5000 + b"}", JSON, "the body is not JSON: "),
    (b"[]", JSON, "the body is JSON, but no object"),
    (b"null", {}, "the body is JSON, but no object"),
    (b'"text"', {"content-type": "text/plain"}, "the body is JSON, but no object"),
    (b'{"a":' * 101 + b"1" + b"}" * 101, JSON, "the body is nested in more than 100 levels"),
    (b'{"a":' * 100_000, JSON, "the body is not JSON: "),
    (b"a=1", FORM, 'the form has no field "payload"'),
    (b"", FORM, 'the form has no field "payload"'),
    (b"payload=%FF", FORM, "the form is not UTF-8"),
    (b"payload=\xff", FORM, "the form is not UTF-8"),
    (b"payload=", FORM, 'the field "payload" of the form is not JSON: '),
    (b"payload=[1]", FORM, 'the field "payload" of the form is JSON, but no object'),
    (b"a&" * 5000, FORM, "the form has more than 1000 fields"),
]


@pytest.mark.parametrize(("body", "headers", "why"), REFUSED)
def test_what_cannot_be_read_is_refused_in_words(body: bytes, headers: dict[str, str], why: str) -> None:
    with pytest.raises(FreeholdError) as caught:
        payload_of(delivery(body, headers))
    assert caught.value.code is Code.PROTOCOL
    assert caught.value.message.startswith(f"the delivery cannot be read: {why}")
    assert len(caught.value.message) < 400


READ: list[tuple[bytes, dict[str, str]]] = [
    (b'{"a": "b"}', JSON),
    (b'{"a": "b"}', {}),
    (b'\xef\xbb\xbf{"a": "b"}', JSON),
    (urlencode({"payload": '{"a": "b"}'}).encode(), FORM),
    (b'payload={"a":"b"}', {"content-type": "Application/X-WWW-Form-Urlencoded"}),
    (b"payload=%7B%22a%22%3A+%22b%22%7D&payload=", FORM),
]


@pytest.mark.parametrize(("body", "headers"), READ[:-1])
def test_json_and_forms_are_read(body: bytes, headers: dict[str, str]) -> None:
    assert payload_of(delivery(body, headers))["a"].text == "b"


def test_a_form_may_be_the_payload_where_the_sender_means_it() -> None:
    assert payload_of(delivery(b"command=%2Fgo&text=a+b", FORM), plain_forms=True)["text"].text == "a b"
    assert payload_of(delivery(READ[3][0], FORM), plain_forms=True)["a"].text == "b"


def test_nodes_of_every_shape_answer_every_question() -> None:
    for value in (None, True, 0, 12, 12.0, 1.5, -1, 2**80, 1e300, "", "x", [], [1, {"a": "b"}], {}, {"a": {"b": "c"}}):
        node = Node(value)
        assert isinstance(node.text, str)
        assert isinstance(node.word, str)
        assert isinstance(node.json, str)
        assert node.number is None or isinstance(node.number, int)
        assert isinstance(node["a"]["b"].text, str)
        assert isinstance(node.first["a"].text, str)
        assert isinstance(node.each("a"), tuple)
        assert all(isinstance(entry, Node) for entry in node)


NUMBERS = [(12, 12), (12.0, 12), (0, 0), (1.5, None), (True, None), ("12", None), (2**60, None), (1e300, None)]


@pytest.mark.parametrize(("value", "number"), NUMBERS)
def test_numbers(value: object, number: int | None) -> None:
    assert Node(value).number == number


def test_ids_are_texts_or_numbers() -> None:
    assert (Node("a").word, Node(12).word, Node(True).word, Node(1.0).word) == ("a", "12", "", "")


def test_texts_are_cut_and_hold_no_zero_byte() -> None:
    assert cut("a" * LONGEST_TEXT) == "a" * LONGEST_TEXT
    assert cut("a" * (LONGEST_TEXT + 1)) == "a" * LONGEST_TEXT + "..."
    assert Node("a\0b").text == "a\ufffdb"


def test_of_long_lists_the_beginning_is_looked_at() -> None:
    assert len(list(Node([{"a": "b"}] * 1000))) == 100
    assert len(Node({str(number): 1 for number in range(1000)}).keys) == 100


def test_what_is_there_is_true() -> None:
    assert not any(map(bool, (Node(None), Node(""), Node({}), Node([]), Node(False))))
    assert json.loads(Node({"a": [1]}).json) == {"a": [1]}
    assert Node(None).json == ""

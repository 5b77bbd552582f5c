"""What is blacked out, what is not, and where a text may be cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.base.redaction import Redaction
from freehold.base.secret import Secret

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\nc2hvcnQ\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("secrets", "text", "shown"),
    [
        (["token-1"], "the token-1 and token-1", "the [hidden] and [hidden]"),
        (["token-1\n"], "a=token-1", "a=[hidden]"),
        (["short"], "short words stay", "short words stay"),
        (["token-1", "token-12"], "token-12", "[hidden]"),
        ([KEY], KEY, "[hidden]\n"),
        ([KEY], "line: b3BlbnNzaC1rZXktdjEAAAAA", "line: [hidden]"),
        ([KEY], "-----BEGIN OPENSSH PRIVATE KEY----- c2hvcnQ", "-----BEGIN OPENSSH PRIVATE KEY----- c2hvcnQ"),
        (["a.b*c(d"], "a.b*c(d and aXb", "[hidden] and aXb"),
        ([], "nothing to hide", "nothing to hide"),
    ],
)
def test_text(secrets: list[str], text: str, shown: str) -> None:
    assert Redaction(map(Secret, secrets)).text(text) == shown


def test_every_string_of_a_value() -> None:
    redaction = Redaction([Secret("token-1")])
    value = {"command": ["echo", "token-1"], "token-1": {"deep": "xtoken-1x"}, "n": 1, "none": None}
    assert redaction.value(value) == {
        "command": ["echo", "[hidden]"], "[hidden]": {"deep": "x[hidden]x"}, "n": 1, "none": None,
    }  # fmt: skip


@given(st.lists(st.text("ab", min_size=6, max_size=12), min_size=1, max_size=3), st.text("ab", max_size=60))
def test_no_cut_falls_within_a_secret(secrets: list[str], text: str) -> None:
    redaction = Redaction(map(Secret, secrets))
    for wanted in range(len(text) + 1):
        cut = redaction.safe_cut(text, wanted)
        assert 0 <= cut <= wanted
        for more in ("", *secrets):
            for secret in secrets:
                whole = text + more[1:]
                starts = [at for at in range(len(whole)) if whole.startswith(secret, at)]
                assert not any(at < cut < at + len(secret) for at in starts)

from __future__ import annotations

import pytest

from freehold.base.safe_yaml import YamlProblemError, load_yaml

LAUGHS = "a0: &a0 {k: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 9))


def test_values_are_plain() -> None:
    assert load_yaml("a: [1, x, {b: &b 2}]\nc: *b\n") == {"a": [1, "x", {"b": 2}], "c": 2}


BROKEN = [
    (LAUGHS, "keys are not merged here (<<)", (2, 10)),
    ("a: 1\na: canary\n", "the same key is there twice", (2, 1)),
    ("[" * 3000, "is nested too deeply", (0, 0)),
    (f"a: {'9' * 9000}", "Exceeds the limit", (0, 0)),
    ("a: !!python/object:os.system canary", "could not determine a constructor", (1, 4)),
]


@pytest.mark.parametrize(("text", "message", "place"), BROKEN, ids=["merges", "twice", "deep", "digits", "object"])
def test_what_is_refused_is_told_with_its_place(text: str, message: str, place: tuple[int, int]) -> None:
    with pytest.raises(YamlProblemError) as caught:
        load_yaml(text)
    assert str(caught.value).startswith(message)
    assert (caught.value.line, caught.value.column) == place
    assert "canary" not in str(caught.value)

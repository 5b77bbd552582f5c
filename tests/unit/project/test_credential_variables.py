"""Credentials as environment variables: names both ways, and what is wrong with them."""

from __future__ import annotations

import pytest

from freehold.base.errors import FreeholdError
from freehold.project.credential import CredentialRef, FieldRef, parse_field_ref
from freehold.project.credential_variables import (
    by_variable,
    fields_of,
    read_variables,
    required_variables,
    variable_of,
)
from freehold.project.needs import Need

P = "FREEHOLD_CREDENTIAL_"


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("anthropic_key.token", f"{P}ANTHROPIC_KEY__TOKEN"),
        ("git_ssh:bot.email", f"{P}GIT_SSH__BOT__EMAIL"),
        ("git_ssh:my-bot@x.y.email", f"{P}GIT_SSH__MY_BOT_X_Y__EMAIL"),
    ],
)
def test_a_field_has_a_variable_and_is_found_by_it(field: str, name: str) -> None:
    ref = parse_field_ref(field)
    assert variable_of(ref) == name
    found, problems = read_variables({name: "a@b.c"}, [ref])
    assert (found, problems) == ({ref.ref: {ref.field: "a@b.c"}}, [])


def test_two_credentials_do_not_share_a_variable() -> None:
    one, other = (parse_field_ref(f"git_ssh:{instance}.email") for instance in ("a-b", "a.b"))
    with pytest.raises(FreeholdError, match=f"git_ssh:a-b and git_ssh:a.b would share one variable, {P}GIT_SSH__A_B__"):
        read_variables({variable_of(one): "a@b.c"}, [one, other])
    assert by_variable([one, one]) == {variable_of(one): one}


def test_of_a_field_that_nobody_expects_the_instance_is_in_small_letters() -> None:
    found, problems = read_variables({f"{P}GITHUB_TOKEN__TEAM_A__TOKEN": "t"}, [])
    assert (found, problems) == ({CredentialRef("github_token", "team_a"): {"token": "t"}}, [])


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        (f"{P}GITHUB_TOKE__TOKEN", "v", "unknown credential type"),
        (f"{P}GITHUB_TOKEN__TOKE", "v", 'unknown field of github_token "toke"'),
        (f"{P}GITHUB_TOKEN", "v", "unknown field"),
        (f"{P}", "v", "unknown credential type"),
        (f"{P}GITHUB_TOKEN__ __TOKEN", "v", "cannot be one"),
        (f"{P}GITHUB_TOKEN__TOKEN", "two\nlines", "more than one line"),
    ],
)
def test_what_is_wrong_is_told_without_the_value(name: str, value: str, problem: str) -> None:
    found, [told] = read_variables({name: value}, [])
    assert (found, told.startswith(f"{name}: ")) == ({}, True)
    assert problem in told
    assert "two" not in told


def test_what_is_empty_or_of_others_is_not_there() -> None:
    assert read_variables({f"{P}GITHUB_TOKEN__TOKEN": "", "FREEHOLD_HOME": "x", "GITHUB_TOKEN": "y"}, []) == ({}, [])


def test_a_field_that_may_be_left_out_is_not_required() -> None:
    ref = CredentialRef("git_ssh")
    need = Need(ref, ("username", "email"), "a test")
    assert required_variables([need, need]) == [f"{P}GIT_SSH__EMAIL", f"{P}GIT_SSH__USERNAME"]
    assert FieldRef(ref, "id_rsa") in fields_of(ref)

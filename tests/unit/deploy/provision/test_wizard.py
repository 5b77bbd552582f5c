"""The questions of `env prov`: their order, the way back, defaults, and which flags are missing."""

from __future__ import annotations

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.provision.choices import NEW_KEY, PROVIDERS, Facts, choices, image_chosen, key_chosen, zone_of
from freehold.deploy.provision.wizard import Ask, Wizard, missing
from freehold.providers.dns import Zone
from freehold.providers.fake_provider import SMALL_CATALOGUE
from freehold.providers.key import KeyOnProvider
from tests.support.cloud_worlds import KEY

FACTS = Facts(SMALL_CATALOGUE, (KeyOnProvider("7", "laptop", KEY),), ("default",), (Zone("1", "example.com", True),))


def walked(wizard: Wizard, *answers: str) -> Wizard:
    for answer in answers:
        assert wizard.next is not None
        wizard = wizard.answer(wizard.next, answer)
    return wizard


def test_renting_with_cloudflare() -> None:
    wizard = walked(Wizard({}), "hetzner", "small", "north", "", "vps_ssh:default", "cloudflare", "example.com")
    assert wizard.next is Ask.HTTPS
    wizard = walked(wizard, "app.example.com", "host-rule")
    assert wizard.next is None
    assert wizard.answers[Ask.REGION] == "north"


@pytest.mark.parametrize(
    ("signer", "rest"),
    [("no", []), ("own", [Ask.HTTPS, Ask.CERT, Ask.KEY_FILE]), ("cloudflare", [Ask.ZONE, Ask.HTTPS, Ask.SSL_MODE])],
)
def test_an_existing_server(signer: str, rest: list[Ask]) -> None:
    wizard = walked(Wizard({}), "existing", "box.example.com", "root", "22", "", signer)
    asked = []
    while (ask := wizard.next) is not None:
        asked.append(ask)
        wizard = wizard.answer(ask, "x")
    assert asked == rest


def test_flags_are_not_asked_for_and_back_goes_past_them() -> None:
    wizard = Wizard({Ask.PROVIDER: "hetzner", Ask.REGION: "north", Ask.HTTPS: "a.example.com"})
    assert wizard.next is Ask.PLAN
    wizard = walked(wizard, "small")
    assert wizard.next is Ask.IMAGE
    back = wizard.back()
    assert back is not None
    assert back.next is Ask.PLAN
    assert back.back() is None, "nothing was asked before"


def test_back_goes_past_what_had_one_answer_only() -> None:
    wizard = walked(Wizard({}), "sandbox", "whole").answer(Ask.REGION, "here", settled=True)
    assert wizard.next is Ask.IMAGE
    back = wizard.back()
    assert back is not None
    assert back.next is Ask.PLAN
    assert Ask.REGION not in back.answers


def test_another_provider_asks_other_questions() -> None:
    wizard = walked(Wizard({}), "hetzner", "small").back()
    assert wizard is not None
    wizard = wizard.back()
    assert wizard is not None
    assert walked(wizard, "existing").next is Ask.HOST


@pytest.mark.parametrize(
    ("provider", "first", "last"), [("hetzner", "cloudflare", "no"), ("existing", "cloudflare", "no"),
                                    ("sandbox", "no", "cloudflare")],
)  # fmt: skip
def test_a_sandbox_has_no_https_unless_somebody_wants_it(provider: str, first: str, last: str) -> None:
    offered = [one.value for one in choices(Ask.SIGNER, {Ask.PROVIDER: provider}, FACTS) or ()]
    assert (offered[0], offered[1], offered[2]) == (first, "own", last)


def test_without_a_project_https_is_not_asked_for() -> None:
    assert walked(Wizard({}, web=False), "existing", "h", "root", "22", "").next is None


@pytest.mark.parametrize(
    ("given", "flags"),
    [
        ({}, ["--provider", "--plan", "--region"]),
        ({Ask.PROVIDER: "hetzner"}, ["--plan", "--region"]),
        ({Ask.PROVIDER: "vultr", Ask.PLAN: "p", Ask.HTTPS: "a.b"}, ["--region", "--ssl-mode"]),
        ({Ask.PROVIDER: "existing"}, ["--host"]),
        ({Ask.PROVIDER: "existing", Ask.HOST: "h"}, []),
        ({Ask.PROVIDER: "existing", Ask.HOST: "h", Ask.HTTPS: "a", Ask.SIGNER: "own", Ask.CERT: "f"}, ["--key-file"]),
        ({Ask.PROVIDER: "hetzner", Ask.PLAN: "p", Ask.REGION: "r", Ask.SIGNER: "cloudflare", Ask.HTTPS: "a",
          Ask.SSL_MODE: "zone"}, []),
    ],
)  # fmt: skip
def test_flags_that_are_missing_are_named_at_once(given: dict[Ask, str], flags: list[str]) -> None:
    assert missing(given) == flags


def test_defaults_answer_what_has_one() -> None:
    wizard = Wizard({Ask.PROVIDER: "hetzner", Ask.PLAN: "small", Ask.REGION: "north"}).by_default()
    assert wizard.next is None
    assert image_chosen(wizard.answers, FACTS).name == "debian-12"
    assert key_chosen(wizard.answers, FACTS) == "vps_ssh:default"
    assert key_chosen(wizard.answers, Facts(SMALL_CATALOGUE)) == NEW_KEY


def test_choices_are_sorted_and_priced() -> None:
    plans = choices(Ask.PLAN, {}, FACTS)
    assert plans is not None
    assert [plan.value for plan in plans] == ["arm", "small", "large"]
    assert "2 vCPU, 4.0 GB, 40 GB disk, x86" in plans[1].title
    assert plans[1].title.endswith("from 4.51 EUR a month")
    assert max(len(plan.title) for plan in plans) < 76, "at 80 columns the price is seen"
    regions = choices(Ask.REGION, {Ask.PLAN: "small"}, FACTS)
    assert regions is not None
    assert [one.title for one in regions] == [
        "south  Palermo, IT              5.20 EUR a month (0.0071 an hour)",
        "north  Tampere, FI              4.51 EUR a month (0.0062 an hour)",
    ]
    images = choices(Ask.IMAGE, {Ask.PLAN: "arm"}, FACTS)
    assert images is not None
    assert [one.title for one in images] == ["debian-12"]
    keys = choices(Ask.SSH_KEY, {}, FACTS)
    assert keys is not None
    assert [key.value for key in keys] == ["vps_ssh:default", NEW_KEY, "provider:7"]
    assert {one.value for one in choices(Ask.PROVIDER, {}, FACTS) or []} == set(PROVIDERS)
    assert choices(Ask.HOST, {}, FACTS) is None


@pytest.mark.parametrize(
    ("wanted", "key"),
    [("vps_ssh", "vps_ssh:default"), ("new", "new"), ("laptop", "provider:7"), ("provider:7", "provider:7")],
)
def test_a_key_by_its_name(wanted: str, key: str) -> None:
    assert key_chosen({Ask.SSH_KEY: wanted}, FACTS) == key


def test_what_is_not_there_is_said_with_what_is() -> None:
    with pytest.raises(FreeholdError, match=r'no SSH key "laptopp" \(did you mean "laptop"\?\)'):
        key_chosen({Ask.SSH_KEY: "laptopp"}, FACTS)
    with pytest.raises(FreeholdError, match='no image "fedora-43" for the plan small') as raised:
        image_chosen({Ask.PLAN: "small", Ask.IMAGE: "fedora-43"}, FACTS)
    assert raised.value.hint == "There are: debian-12, debian-13, ubuntu-24.04."


def test_the_zone_of_a_name() -> None:
    zones = (Zone("1", "example.com", True), Zone("2", "dev.example.com", True), Zone("3", "example.org", False))
    assert zone_of("a.dev.example.com", zones).id == "2"
    assert zone_of("example.com", zones).id == "1"
    for name, code in (("example.org", Code.CONFLICT), ("other.example", Code.NOT_FOUND)):
        with pytest.raises(FreeholdError) as raised:
            zone_of(name, zones)
        assert raised.value.code is code

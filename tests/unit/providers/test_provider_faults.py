"""APIs that are slow, full, cut, broken or of another opinion: what the real clients make of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from freehold.base.clock import FakeClock
from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.providers.api_error import ApiError, Refusal
from freehold.providers.cloudflare import Cloudflare
from freehold.providers.directory import RENTING, open_provider
from freehold.providers.firewall import rules_for
from freehold.providers.hetzner import Hetzner
from freehold.providers.leftover import LeftoverKind
from freehold.providers.origin_request import new_request
from freehold.providers.ownership import Owner
from freehold.providers.patience import Patience
from freehold.providers.vultr import Vultr
from tests.support.cloud_worlds import PROD, ProviderWorld, cloudflare_world, hetzner_world, vultr_world
from tests.support.server_room import PaperRoom
from tests.support.strict_api import TOKEN, Fault
from tests.support.strict_cloudflare import ZONE_ID

HASTY = Patience(answer_within_s=1.5)
"""Where an answer never comes; long enough for those that come on a busy machine."""
WORLDS = {"hetzner": hetzner_world, "vultr": vultr_world}
CREATE = {"hetzner": "POST /servers", "vultr": "POST /instances"}
REGIONS = {"hetzner": "GET /locations", "vultr": "GET /regions"}
HOST = "agents.example.com"


BAD_ANSWERS = pytest.mark.parametrize(
    ("how", "patience"), [("answer", None), ("cut", None), ("garbage", None), ("hang", HASTY)]
)


@pytest.fixture
def patience() -> Patience | None:
    """Given otherwise by tests that wait for it."""
    return None


@pytest.fixture(params=list(WORLDS))
async def world(request: pytest.FixtureRequest, patience: Patience | None) -> AsyncIterator[ProviderWorld]:
    with WORLDS[request.param](patience) as made:
        yield made
        await made.provider.close()


def paused(world: ProviderWorld) -> float:
    return world.clock.monotonic()


async def test_long_lists_come_in_pages(world: ProviderWorld) -> None:
    whole = await world.provider.catalogue()
    world.api.most_per_page = 2
    assert await world.provider.catalogue() == whole


async def test_too_many_requests_are_asked_again_when_the_provider_says(world: ProviderWorld) -> None:
    world.api.faults = [Fault(REGIONS[world.provider.name], 429, {"Retry-After": "17"})]
    assert (await world.provider.catalogue()).regions
    assert paused(world) == 17
    assert "asking again in 17 s" in world.told[0]


async def test_a_server_is_created_once_although_it_was_too_often(world: ProviderWorld) -> None:
    spec = await world.spec()
    world.api.faults = [Fault(CREATE[world.provider.name], 429, {"Retry-After": "5"})]
    await world.provider.create(spec)
    assert world.api.count(CREATE[world.provider.name]) == 2
    assert len(world.api.room.user_data) == 1


async def test_a_wait_of_an_hour_is_told_and_not_slept(world: ProviderWorld) -> None:
    world.api.faults = [Fault(REGIONS[world.provider.name], 429, {"Retry-After": "3600"})]
    with pytest.raises(ApiError, match="too many requests") as caught:
        await world.provider.catalogue()
    assert caught.value.code is Code.RATE_LIMITED
    assert "3600 s" in caught.value.hint
    assert paused(world) == 0


@BAD_ANSWERS
async def test_questions_outlive_one_bad_answer(world: ProviderWorld, how: str) -> None:
    world.api.faults = [Fault(REGIONS[world.provider.name], 503, how=how)]
    assert (await world.provider.catalogue()).regions
    assert world.api.faults == []
    assert paused(world) == 1


async def test_questions_end_when_it_stays_bad(world: ProviderWorld) -> None:
    world.api.faults = [Fault(REGIONS[world.provider.name], 502)] * 9
    with pytest.raises(ApiError) as caught:
        await world.provider.catalogue()
    assert caught.value.refusal is Refusal.FAULT
    assert caught.value.status == 502
    assert len(world.api.faults) == 4
    assert "try again" in caught.value.hint


@BAD_ANSWERS
async def test_server_whose_answer_was_lost_is_found_and_not_made_twice(world: ProviderWorld, how: str) -> None:
    spec = await world.spec()
    world.api.faults = [Fault(CREATE[world.provider.name], 503, how=how, carried_out=True)]

    machine = await world.provider.create(spec)

    assert machine.name == PROD.name
    assert world.api.count(CREATE[world.provider.name]) == 1
    assert len(await world.provider.leftovers(PROD)) == 3


@BAD_ANSWERS
async def test_server_that_was_not_made_is_looked_for_then_made(world: ProviderWorld, how: str) -> None:
    spec = await world.spec()
    world.api.faults = [Fault(CREATE[world.provider.name], 503, how=how)]

    await world.provider.create(spec)

    assert world.api.count(CREATE[world.provider.name]) == 2
    assert len(world.api.room.user_data) == 1


async def test_a_creation_that_stays_uncertain_ends_with_an_error(world: ProviderWorld) -> None:
    spec = await world.spec()
    world.api.faults = [Fault(CREATE[world.provider.name], 500)] * 5
    with pytest.raises(ApiError, match=f"could not create the server {PROD.name}"):
        await world.provider.create(spec)
    assert world.api.count(CREATE[world.provider.name]) == 2


async def test_firewall_and_key_survive_lost_answers(world: ProviderWorld) -> None:
    world.api.faults = [
        Fault("POST /ssh", 503, carried_out=True),
        Fault("POST /firewalls", 503, carried_out=True),
    ]
    await world.spec()
    kinds = [one.kind for one in await world.provider.leftovers(PROD)]
    assert sorted(kinds) == [LeftoverKind.SSH_KEY, LeftoverKind.FIREWALL]


async def test_wrong_token_is_told_with_where_to_get_one(world: ProviderWorld) -> None:
    wrong = "wrong-token-0123456789"
    variable = RENTING[world.provider.name].variable
    provider = open_provider(world.provider.name, Secret(wrong), {variable: world.api.url})
    with pytest.raises(ApiError) as caught:
        await provider.check()
    await provider.close()
    assert caught.value.exit_code == 4
    assert caught.value.refusal is Refusal.BAD_TOKEN
    assert f"freehold creds add {world.provider.name}_api_key" in caught.value.hint
    assert wrong not in repr(caught.value) + caught.value.hint


async def test_token_is_never_in_what_a_provider_repeats(world: ProviderWorld) -> None:
    said: Any = f"no access for {TOKEN}\x1b[2J"
    body = {"error": {"code": "forbidden", "message": said}} if world.provider.name == "hetzner" else {"error": said}
    world.api.faults = [Fault(REGIONS[world.provider.name], 403, body=body)]
    with pytest.raises(ApiError, match=r"no access for \[hidden\]") as caught:
        await world.provider.catalogue()
    assert TOKEN not in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("value", ["", "two words", "line\nbreak", "schlüssel"])
def test_what_can_be_no_token_is_refused_before_it_is_sent(value: str) -> None:
    with pytest.raises(FreeholdError, match="the token is empty, or holds characters that no token has"):
        Hetzner(Secret(value))


@pytest.mark.parametrize("url", ["http://api.example.com/v1", "ftp://127.0.0.1/", "127.0.0.1", "http:///v1"])
def test_tokens_go_nowhere_in_clear(url: str) -> None:
    with pytest.raises(FreeholdError, match="the token is not sent to"):
        Vultr(Secret("token"), base_url=url)


async def test_redirects_are_not_followed(world: ProviderWorld) -> None:
    world.api.faults = [Fault("GET ", 302, {"Location": world.api.url + "/elsewhere"})]
    with pytest.raises(ApiError, match=r"\(302\)"):
        await world.provider.check()
    assert len(world.api.asked) == 1


async def test_quota_is_told_in_the_providers_words(world: ProviderWorld) -> None:
    spec = await world.spec()
    world.api.quota = 0
    with pytest.raises(ApiError) as caught:
        await world.provider.create(spec)
    expected = {"hetzner": Refusal.NO_QUOTA, "vultr": Refusal.INVALID}[world.provider.name]
    assert caught.value.refusal is expected
    assert "reached" in caught.value.message
    assert "limit" in caught.value.hint


async def test_plan_that_sold_out_meanwhile_is_told_with_where_it_is_left(world: ProviderWorld) -> None:
    spec = await world.spec()
    world.api.sold_out = {(world.plan, world.region)}
    left = {"hetzner": "hel1", "vultr": "ewr"}[world.provider.name]
    with pytest.raises(ApiError, match=f"plan {world.plan} is not sold in {world.region} now") as caught:
        await world.provider.create(spec)
    assert caught.value.refusal is Refusal.NOT_SOLD
    assert caught.value.hint == f"It is sold in: {left}."
    assert len(world.api.room.user_data) == 0


async def test_answers_without_what_is_needed_say_where(world: ProviderWorld) -> None:
    noun = {"hetzner": "locations", "vultr": "regions"}[world.provider.name]
    meta: Any = {"pagination": {"next_page": None}, "links": {}}
    world.api.faults = [
        Fault(REGIONS[world.provider.name], 200, body={noun: [{"name": "x", "id": "x"}], "meta": meta})
    ] * 9
    with pytest.raises(ApiError, match=rf"\$\.{noun}\[0\]") as caught:
        await world.provider.catalogue()
    assert caught.value.code is Code.PROTOCOL


async def test_pages_that_go_round_in_circles_end(world: ProviderWorld) -> None:
    noun = {"hetzner": "locations", "vultr": "regions"}[world.provider.name]
    meta: Any = {"pagination": {"next_page": 1}, "links": {"next": "again"}}
    world.api.faults = [Fault(REGIONS[world.provider.name], 200, body={noun: [], "meta": meta})] * 9
    with pytest.raises(ApiError, match="its pages lead back to each other"):
        await world.provider.catalogue()


async def test_nobody_there_is_not_reachable() -> None:
    provider = Hetzner(Secret(TOKEN), base_url="http://127.0.0.1:1/v1", clock=FakeClock())
    with pytest.raises(ApiError, match="Hetzner: could not check the token: no connection") as caught:
        await provider.check()
    await provider.close()
    assert caught.value.exit_code == 5


async def test_server_that_stays_is_an_error_after_a_while(world: ProviderWorld) -> None:
    world.api.room = PaperRoom(looks_until_gone=10**6)
    await world.provider.create(await world.spec())
    server = next(one for one in await world.provider.leftovers(PROD) if one.kind is LeftoverKind.SERVER)
    with pytest.raises(ApiError, match="it is still there after 300 s") as caught:
        await world.provider.remove(server)
    assert caught.value.code is Code.TIMEOUT


async def test_firewall_is_not_removed_from_under_its_server(world: ProviderWorld) -> None:
    await world.provider.create(await world.spec())
    firewall = next(one for one in await world.provider.leftovers(PROD) if one.kind is LeftoverKind.FIREWALL)
    with pytest.raises(ApiError):
        await world.provider.remove(firewall)
    assert firewall in await world.provider.leftovers(PROD)


async def test_removal_survives_a_lost_answer(world: ProviderWorld) -> None:
    await world.provider.create(await world.spec())
    server = next(one for one in await world.provider.leftovers(PROD) if one.kind is LeftoverKind.SERVER)
    world.api.faults = [Fault("DELETE ", 503, carried_out=True)]
    await world.provider.remove(server)
    assert LeftoverKind.SERVER not in [one.kind for one in await world.provider.leftovers(PROD)]


async def test_interrupted_firewall_gets_its_missing_rules() -> None:
    with vultr_world() as world:
        world.api.faults = [Fault("POST /firewalls/", 400, body={"error": "no", "status": 400})]
        with pytest.raises(ApiError, match="could not open a port"):
            await world.provider.put_firewall(rules_for(ssh_port=22), PROD)
        await world.provider.put_firewall(rules_for(ssh_port=22), PROD)
        kept = next(iter(world.api.rules.values())).values()
        assert len(world.api.groups) == 1
        assert len({(rule["ip_type"], rule["protocol"], rule["port"]) for rule in kept}) == len(kept) == 8
        await world.provider.close()


async def test_hetzner_token_that_may_only_read_is_told() -> None:
    with hetzner_world() as world:
        world.api.read_only = True
        with pytest.raises(ApiError) as caught:
            await world.spec()
        assert caught.value.refusal is Refusal.NO_RIGHT
        assert "Read & Write" in caught.value.hint
        await world.provider.close()


async def test_what_is_not_ours_is_not_taken_down_whatever_a_list_says() -> None:
    with hetzner_world() as world:
        await world.provider.put_firewall(rules_for(ssh_port=22), Owner("other1", "prod"))
        await world.provider.put_firewall(rules_for(ssh_port=22), PROD)
        world.api.heeds_selectors = False
        assert [one.name for one in await world.provider.leftovers(PROD)] == [PROD.name]
        await world.provider.close()


async def test_cloudflare_says_which_permissions_are_missing() -> None:
    with cloudflare_world() as world:
        world.api.rights = {"dns"}
        for asking in (world.dns.ssl_mode(ZONE_ID), world.dns.require_strict(ZONE_ID, HOST, PROD)):
            with pytest.raises(ApiError) as caught:
                await asking
            assert caught.value.refusal is Refusal.NO_RIGHT
            assert "Config Rules: Edit" in caught.value.hint
        await world.dns.close()


@pytest.mark.parametrize("status", ["disabled", "expired"])
async def test_cloudflare_token_that_is_no_longer_active_is_refused(status: str) -> None:
    with cloudflare_world() as world:
        world.api.token_status = status
        with pytest.raises(ApiError, match=f"the token is {status}") as caught:
            await world.dns.check()
        assert caught.value.exit_code == 4
        await world.dns.close()


async def test_cloudflare_token_of_an_account_is_taken() -> None:
    with cloudflare_world() as world:
        world.api.of_an_account = True
        assert await world.dns.check() == "a token of an account"
        await world.dns.close()


async def test_cloudflare_wrong_token_is_told() -> None:
    with cloudflare_world() as world:
        dns = Cloudflare(Secret("wrong-token-012345"), base_url=world.api.url, clock=FakeClock())
        with pytest.raises(ApiError, match=r"Invalid API Token \[1000\]") as caught:
            await dns.zones()
        assert "freehold creds add cloudflare_api_token" in caught.value.hint
        await dns.close()
        await world.dns.close()


async def test_cloudflare_zones_and_certificates_come_in_pages() -> None:
    with cloudflare_world() as world:
        world.api.most_per_page = 5
        for number in range(12):
            world.api.add_zone(f"zone{number}.example", status="pending")
            await world.dns.certify(f"host{number}.example.com", new_request(HOST, PROD).csr_pem)
        zones = await world.dns.zones()
        assert len(zones) == 13
        assert [zone.name for zone in zones if zone.active] == ["example.com"]
        assert len(await world.dns.leftovers(ZONE_ID, PROD)) == 12
        await world.dns.close()


async def test_cloudflare_record_whose_answer_was_lost_is_made_once() -> None:
    with cloudflare_world() as world:
        world.api.faults = [Fault(f"POST /zones/{ZONE_ID}/dns_records", how="cut", carried_out=True)]
        made = await world.dns.point(ZONE_ID, HOST, ("192.0.2.1",), PROD)
        assert [record.id for record in made] == list(world.api.records[ZONE_ID])
        await world.dns.close()


async def test_cloudflare_rule_is_added_beside_those_of_others() -> None:
    with cloudflare_world() as world:
        theirs = {"id": "a" * 32, "action": "set_config", "action_parameters": {"bic": True}, "expression": "true"}
        more = {"description": "theirs", "enabled": True, "version": "3", "last_updated": "2026-01-01T00:00:00Z"}
        world.api.rulesets[ZONE_ID] = {
            "id": "b" * 32,
            "name": "default",
            "kind": "zone",
            "phase": "http_config_settings",
            "version": "7",
            "last_updated": "2026-01-01T00:00:00Z",
            "rules": [{**theirs, **more}],
        }
        world.api.faults = [Fault(f"POST /zones/{ZONE_ID}/rulesets", 503, carried_out=True)]
        await world.dns.require_strict(ZONE_ID, HOST, PROD)
        rules = world.api.rulesets[ZONE_ID]["rules"]
        assert [rule["description"] for rule in rules] == ["theirs", f"{PROD.mark} strict SSL for {HOST}"]
        for leftover in await world.dns.leftovers(ZONE_ID, PROD):
            await world.dns.remove(ZONE_ID, leftover)
        assert [rule["description"] for rule in world.api.rulesets[ZONE_ID]["rules"]] == ["theirs"]
        await world.dns.close()


async def test_cloudflare_certificate_on_another_key_is_not_taken() -> None:
    with cloudflare_world() as world:
        other = new_request(HOST, PROD).csr_pem
        genuine = world.api.authority.certify
        world.api.authority.certify = lambda names, _csr, days: genuine(names, other, days)
        with pytest.raises(ApiError, match="not on the key that was sent"):
            await world.dns.certify(HOST, new_request(HOST, PROD).csr_pem)
        await world.dns.close()


async def test_cloudflare_networks_that_are_none_go_into_no_configuration() -> None:
    with cloudflare_world() as world:
        result = {"ipv4_cidrs": ["198.51.100.0/24\n bind :81"], "ipv6_cidrs": [], "etag": "x"}
        world.api.faults = [Fault("GET /ips", 200, body={"success": True, "result": result})]
        with pytest.raises(ApiError, match="is no network"):
            await world.dns.proxy_networks()
        await world.dns.close()

"""The way to a server: interrupted anywhere it goes on, nothing is made twice, and what is there is always known."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.provision.failure import made_so_far, ways_on, with_ways_on
from freehold.deploy.provision.record import Changes
from freehold.deploy.provision.step import CLOUDFLARE, EXISTING, OWN_CERTIFICATE, RENTED, Step, steps_to_do
from freehold.hosts.failures import ChangedHostKeyError, UnknownHostKeyError
from freehold.project.host_key import HostKey, Pin
from freehold.providers.api_error import ApiError, Refusal
from freehold.providers.leftover import LeftoverKind
from tests.support.cloud_worlds import OTHER_KEY
from tests.support.provisioning import HOST_KEY, OWNER, WISH, Killed, Teller, World

WHOLE = (*RENTED, *CLOUDFLARE)


@pytest.fixture
def world(tmp_path: Path) -> World:
    found = World(tmp_path)
    found.record.begin(WISH, OWNER.installation)
    return found


async def kinds(world: World) -> list[LeftoverKind]:
    found = (*await world.provider.leftovers(OWNER), *await world.dns.leftovers("zone1", OWNER))
    return sorted(one.kind for one in found)


EVERYTHING = sorted(LeftoverKind)


def test_every_step_belongs_to_some_way() -> None:
    assert {*RENTED, *EXISTING, *CLOUDFLARE, *OWN_CERTIFICATE} == set(Step)
    assert all(step.doing for step in Step)
    assert steps_to_do(rented=True, certificate="", done=["record", "key"]) == RENTED[2:]
    assert steps_to_do(rented=False, certificate="own", done=[]) == (*EXISTING, Step.CERTIFICATE)


async def test_the_whole_way(world: World) -> None:
    teller = Teller()
    await world.journey(teller).go()
    assert [told for told in teller.told if told.startswith("begins")] == [f"begins {step}" for step in WHOLE[1:]]
    environment = world.environment
    assert environment.server is not None
    assert environment.provision is not None
    assert (environment.server.host, environment.server.user) == ("192.0.2.10", "root")
    assert environment.server.hostname == "app.example.com"
    assert environment.gateway_url == "https://app.example.com"
    assert environment.server.proxy_networks == ("198.51.100.0/24", "2001:db8:1::/48")
    assert environment.pin == Pin(HOST_KEY.fingerprint, HOST_KEY)
    assert set(environment.provision.done) == set(WHOLE)
    assert await kinds(world) == EVERYTHING
    assert list(world.served) == ["shop"]
    assert world.journey().left == ()


@pytest.mark.parametrize("when", ["begins", "ends"])
@pytest.mark.parametrize("step", WHOLE[1:])
async def test_killed_at_any_step_the_same_command_goes_on(world: World, step: Step, when: str) -> None:
    with pytest.raises(Killed):
        await world.journey(Teller(step, when)).go()
    known = world.environment.provision
    assert known is not None
    assert known.installation == OWNER.installation  # so what there is can be found, and taken down
    await world.journey().go()
    assert await kinds(world) == EVERYTHING, "nothing twice, nothing missing"
    assert len(world.provider.specs) == 1
    assert world.journey().left == ()


@pytest.mark.parametrize("step", [Step.KEY, Step.FIREWALL, Step.SERVER])
async def test_a_refusal_says_what_was_made_and_how_to_go_on(world: World, step: Step) -> None:
    journey = world.journey()
    for done in (Step.KEY, Step.FIREWALL, Step.SERVER):
        if done is step:
            break
        await journey.take(done)
    world.provider.refusals.append(Refusal.NO_QUOTA)
    with pytest.raises(ApiError) as raised:
        await journey.go()
    told = with_ways_on(raised.value, ways_on(world.environment, journey.doing, ["freehold", "env", "prov", "prod"]))
    assert (told.code, told.message) == (Code.DENIED, raised.value.message)
    made = {Step.KEY: "Nothing was made.", Step.FIREWALL: "Made so far: the SSH key."}
    assert made.get(step, "Made so far: the SSH key, the firewall.") in told.hint
    assert "Go on: freehold env prov prod\nUndo: freehold env deprov prod" in told.hint
    await world.journey().go()
    assert await kinds(world) == EVERYTHING


async def test_what_it_costs_is_said(world: World) -> None:
    world.refusals.append(FreeholdError(Code.DENIED, "no"))
    journey = world.journey()
    with pytest.raises(FreeholdError):
        await journey.go()
    assert made_so_far(world.environment) == ["the SSH key", "the firewall", "the server (id 3)"]
    lines = ways_on(world.environment, journey.doing, ["again"])
    assert lines[0].endswith("the server (id 3); the server costs 4.51 EUR a month until it is taken down.")
    later = ways_on(world.environment, journey.doing, ["freehold", "env", "https", "prod", "example.org"])
    assert later[-1] == "What serves there is as it was, until the next push.", "nobody is told to take it down"


async def test_a_server_that_does_not_come_up(world: World) -> None:
    world.provider.reads_until_running = 10**9
    teller = Teller()
    with pytest.raises(FreeholdError, match="the provider says that the server is starting") as raised:
        await world.journey(teller, within_s=60).go()
    assert raised.value.code is Code.TIMEOUT
    assert sum("at most" in told for told in teller.told) == 4, "at once, and every quarter of a minute"


async def test_a_server_that_somebody_removed(world: World) -> None:
    with pytest.raises(Killed):
        await world.journey(Teller(Step.ADDRESS)).go()
    for leftover in await world.provider.leftovers(OWNER):
        await world.provider.remove(leftover)
    with pytest.raises(FreeholdError, match="no longer there") as raised:
        await world.journey().go()
    assert "env deprov prod" in raised.value.hint


NOT_UP = FreeholdError(Code.UNREACHABLE, "prod cannot be reached: nobody listens")
NO_KEY = FreeholdError(Code.CREDENTIAL, "prod: root@192.0.2.10 does not accept the key offered")
STRANGER = HostKey.parse(OTHER_KEY)


async def test_ssh_is_waited_for(world: World) -> None:
    world.refusals += [NOT_UP, NOT_UP, NO_KEY, NOT_UP, NO_KEY, UnknownHostKeyError("prod", "192.0.2.10", HOST_KEY)]
    await world.journey().go()
    assert world.environment.pin == Pin(HOST_KEY.fingerprint, HOST_KEY)
    assert world.targets[6].pin == Pin(HOST_KEY.fingerprint, HOST_KEY), "what was accepted is what it must be now"


async def test_a_key_that_is_refused_again_and_again(world: World) -> None:
    world.refusals += [NO_KEY] * 5
    with pytest.raises(FreeholdError, match="does not accept the key"):
        await world.journey().go()
    assert world.refusals == []


async def test_a_host_key_that_nobody_accepts(world: World) -> None:
    world.refusals.append(UnknownHostKeyError("prod", "192.0.2.10", STRANGER))
    with pytest.raises(UnknownHostKeyError):
        await world.journey(accepts=False).go()
    assert world.environment.pin is None


async def test_another_host_key_than_the_provider_tells_is_refused_whoever_would_accept_it(world: World) -> None:
    world.provider.host_key_fingerprint = HOST_KEY.fingerprint
    changed = ChangedHostKeyError("prod", "192.0.2.10", STRANGER, Pin(HOST_KEY.fingerprint), "the provider")
    world.refusals += [UnknownHostKeyError("prod", "192.0.2.10", STRANGER), changed]
    with pytest.raises(ChangedHostKeyError):
        await world.journey(accepts=True).go()
    assert world.targets[-1].pin == Pin(HOST_KEY.fingerprint)
    assert world.environment.pin is None


async def test_a_host_key_that_the_provider_tells_needs_nobody_to_accept_it(world: World) -> None:
    world.provider.host_key_fingerprint = HOST_KEY.fingerprint
    world.refusals.append(UnknownHostKeyError("prod", "192.0.2.10", HOST_KEY))
    await world.journey(accepts=False).go()
    assert world.environment.pin == Pin(HOST_KEY.fingerprint, HOST_KEY)


async def test_a_host_key_that_was_named_by_a_person_counts_alone(world: World) -> None:
    world.record.write(Changes({"hostKey": HOST_KEY.fingerprint}))
    world.refusals.append(ChangedHostKeyError("prod", "192.0.2.10", STRANGER, Pin(HOST_KEY.fingerprint), "the file"))
    with pytest.raises(ChangedHostKeyError):
        await world.journey(accepts=True).go()


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("marked=\nboot=error\ndocker=\npython=True\nlast=E: no archive\n", "Docker is missing: E: no archive"),
        ("marked=\nboot=done\ndocker=\npython=\nlast=\n", "Docker and Python 3.11 or newer is missing"),
    ],
)
async def test_a_first_boot_that_failed(world: World, said: str, problem: str) -> None:
    world.seen = said
    with pytest.raises(FreeholdError, match=problem) as raised:
        await world.journey().go()
    assert raised.value.code is Code.FAILED
    assert "cloud-init-output.log" in raised.value.hint
    world.seen = said.replace("docker=", "docker=1").replace("python=\n", "python=True\n")  # repaired by hand
    await world.journey().go()


async def test_a_first_boot_that_goes_on_and_on(world: World) -> None:
    world.seen = "marked=\nboot=running\ndocker=20\npython=True\nlast=Setting up fail2ban\n"
    with pytest.raises(FreeholdError, match=r"the first boot goes on \(Setting up fail2ban\)"):
        await world.journey(within_s=30).go()


async def test_a_name_that_is_not_seen_yet_is_no_failure(world: World) -> None:
    world.visible = False
    teller = Teller()
    await world.journey(teller).go()
    assert any("env check prod looks again" in told for told in teller.told)
    assert world.journey().left == ()


async def test_a_certificate_that_fits_is_kept_and_others_of_ours_are_revoked(world: World) -> None:
    with pytest.raises(Killed):
        await world.journey(Teller(Step.CERTIFICATE, "ends")).go()
    lost = list(world.dns.certificates)
    await world.journey().go()
    kept = list(world.dns.certificates)
    assert len(kept) == 1
    assert kept != lost
    await world.journey().take(Step.CERTIFICATE)
    assert list(world.dns.certificates) == kept
    world.served.clear()  # a server made anew
    await world.journey().take(Step.CERTIFICATE)
    assert len(world.dns.certificates) == 1
    assert list(world.dns.certificates) != kept

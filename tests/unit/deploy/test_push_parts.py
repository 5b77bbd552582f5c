"""What the parts of a push plan, given what there is: tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from freehold.base.clock import FakeClock
from freehold.base.errors import Code, FreeholdError
from freehold.deploy.credentials_part import CredentialsFacts
from freehold.deploy.health import EdgePort, Health, HealthPart
from freehold.deploy.image_layers.wanted import WantedImages
from freehold.deploy.images_part import ImagesPart
from freehold.deploy.part import Part
from freehold.deploy.parts import Parts, edge_ports
from freehold.deploy.plan import Plan, Planned, in_order
from freehold.deploy.prune_part import PruneFacts, PrunePart
from freehold.deploy.release_files import ReleaseFiles
from freehold.deploy.release_part import ReleaseFacts, ReleasePart, difference
from freehold.deploy.restart_part import RestartPart
from freehold.deploy.rollback import release_to_go_back_to
from freehold.deploy.step import Step
from freehold.deploy.switch_part import SwitchFacts, SwitchPart
from freehold.deploy.units_part import UnitsFacts, UnitsPart, port_for, started_with, unit_texts
from freehold.deploy.wanted import read_wanted
from freehold.edge.fragment import Fragment
from freehold.hosts.fake_host import FakeHost
from freehold.hosts.host import Host
from freehold.runtime.revision import Entry, Kind, Manifest
from freehold.server.layout import Layout
from freehold.server.release import ReleaseRecord
from freehold.store.environments import Environments
from tests.support.folders import one_agent, write_files

LAYOUT = Layout("shop")
A, B = "0" * 25 + "a", "0" * 25 + "b"


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def whats(part: object, facts: object) -> list[str]:
    return [change.what for change in part.plan(raw(facts))]  # type: ignore[attr-defined]


def record(release_id: str = "", content: str = "", program: str = "p1") -> ReleaseRecord:
    return ReleaseRecord(
        id=release_id, project="shop", content=content, program=program, pushed_at="", pushed_by="", version="1",
        service="s", keeper="k",
    )  # fmt: skip


def manifest(**files: str) -> Manifest:
    return Manifest.of(Entry(path.replace("__", "/"), Kind.FILE, digest, 10) for path, digest in files.items())


def files(of: Manifest) -> ReleaseFiles:
    return ReleaseFiles(of, {entry.digest: b"x" for entry in of.entries})


def rows(of: Manifest) -> list[tuple[str, Kind, str, int]]:
    return [(entry.path, entry.kind, entry.digest, entry.size_bytes) for entry in of.entries]


NO_IMAGES = ImagesPart(LAYOUT, WantedImages(()))


def test_parts_come_in_the_order_of_the_steps() -> None:
    parts: list[Part] = [
        PrunePart(LAYOUT),
        HealthPart(LAYOUT),
        SwitchPart(LAYOUT),
        RestartPart(LAYOUT),
        UnitsPart(LAYOUT),
    ]
    assert [part.name for part in in_order(parts)] == ["units", "switch", "restart", "health", "prune"]


def test_facts_of_a_part_that_are_none(tmp_path: Path) -> None:
    shop = write_files(tmp_path / "shop", one_agent())
    written = {"environments/prod.toml": '[server]\nhost = "h"\n', "credentials/anthropic_key/default/token": "sk-1"}
    home = write_files(tmp_path / "home", written)
    environment = Environments(home).read("prod")
    wanted = read_wanted(shop, home, environment, FakeClock(), agent="dev")
    there = ReleaseFacts(current=A, releases=[record(A)], manifest=rows(wanted.files.manifest))
    parts = Parts(wanted, None, nobody, NO_IMAGES)
    with pytest.raises(FreeholdError, match="what the server says of itself cannot be read") as caught:
        parts.settle({part.name: raw(7) for part in parts.asking()} | {"release": raw(there)}, "")
    assert caught.value.code is Code.PROTOCOL


def test_a_plan_says_which_credentials_are_missing(tmp_path: Path) -> None:
    shop = write_files(tmp_path / "shop", one_agent())
    home = write_files(tmp_path / "home", {"environments/prod.toml": '[server]\nhost = "h"\n'})
    environment = Environments(home).read("prod")
    with pytest.raises(FreeholdError, match="these credentials are missing, and nothing was pushed"):
        read_wanted(shop, home, environment, FakeClock(), agent="dev")
    wanted = read_wanted(shop, home, environment, FakeClock(), agent="dev", only_plan=True)
    facts = {
        "release": ReleaseFacts(current=A, releases=[record(A)], manifest=rows(manifest(x="1"))),
        "credentials": CredentialsFacts({}, {}), "switch": SwitchFacts(f"releases/{A}", ""),
        "prune": PruneFacts([A], []), "images": None, "health": Health(True, False, "", [], {}, [], now=1000.5),
    }  # fmt: skip
    parts = Parts(wanted, None, nobody, NO_IMAGES)
    settled = parts.settle({name: raw(fact) for name, fact in facts.items()}, "")
    plan = settled.plan
    assert settled.health.since == 1000.5, "by the server's own clock"
    (said,) = plan.missing
    assert said.endswith("freehold creds add anthropic_key")
    assert plan.lines()[:2] == ["a push would stop before it touches anything, until these are stored:", f"    {said}"]
    assert plan.as_dict()["missing"] == [said]


class TwoImages(ImagesPart):
    def needed(self, _facts: msgspec.Raw) -> tuple[str, ...]:
        return ("base:2", "dev:2")


def test_a_release_says_which_images_it_needs_and_an_agent_alone_adds_its_own(tmp_path: Path) -> None:
    shop = write_files(tmp_path / "shop", one_agent())
    home = write_files(tmp_path / "home", {"environments/prod.toml": '[server]\nhost = "h"\n'})
    wanted = read_wanted(shop, home, Environments(home).read("prod"), FakeClock(), agent="dev", only_plan=True)
    before = msgspec.structs.replace(record(A), images=("base:1", "dev:1", "ops:1"))
    facts = {
        "release": ReleaseFacts(current=A, releases=[before], manifest=rows(manifest(x="1"))), "images": None,
        "credentials": CredentialsFacts({}, {}), "switch": SwitchFacts(f"releases/{A}", ""),
        "prune": PruneFacts([A], []), "health": Health(True, False, "", [], {}, [], now=1000.5),
    }  # fmt: skip
    parts = Parts(wanted, None, nobody, TwoImages(LAYOUT, WantedImages(())))
    release = parts.settle({name: raw(fact) for name, fact in facts.items()}, "").plan.release
    assert release.images == ("base:1", "base:2", "dev:1", "dev:2", "ops:1")


async def nobody() -> Host:
    return FakeHost()


def test_only_what_differs_travels_and_all_of_it_is_listed() -> None:
    there, here = manifest(a="1", b="2", c="3"), manifest(a="1", b="9", d="3")
    part = ReleasePart(LAYOUT, files(here), record(), fresh=B)
    facts = ReleaseFacts(current=A, releases=[record(A, there.name)], manifest=rows(there))
    (change,) = part.plan(raw(facts))
    assert change.what == f"write release {B}: 1 file of 3, 10 B"
    assert change.detail == ("~ b", "- c", "+ d")
    assert change.document["send"] == ["9"]


@pytest.mark.parametrize(
    ("before", "new"),
    [
        ({}, False),
        ({"program": "p2"}, True),
        ({"service": "s2"}, True),
        ({"keeper": "k2"}, True),
        ({"git": "other", "pushed_by": "joe"}, False),
    ],
)
def test_a_release_is_new_when_anything_of_it_is(before: dict[str, str], new: bool) -> None:
    here = manifest(a="1")
    there = msgspec.structs.replace(record(A, here.name), **before)
    part = ReleasePart(LAYOUT, files(here), record(), fresh=B)
    changes = part.plan(raw(ReleaseFacts(current=A, releases=[there], manifest=None)))
    assert bool(changes) is new
    assert all(change.detail == () and change.document["send"] == [] for change in changes)


def test_an_agent_alone_leaves_everything_else_as_it_is_there() -> None:
    there = manifest(**{"config.toml": "old", "agents__dev__SKILL.md": "1", "agents__dev__gone": "2"})
    here = manifest(**{"config.toml": "new", "agents__dev__SKILL.md": "9", "agents__dev2__SKILL.md": "8"})
    before = msgspec.structs.replace(record(A, there.name, "p-there"), credentials=("a/b",))
    wanted = msgspec.structs.replace(record(program="p-here"), service="s2", credentials=("c/d",))
    part = ReleasePart(LAYOUT, files(here), wanted, agent="dev", fresh=B)
    (change,) = part.plan(raw(ReleaseFacts(current=A, releases=[before], manifest=rows(there))))
    assert change.detail == ("~ agents/dev/SKILL.md", "- agents/dev/gone")
    assert change.document["send"] == ["9"]
    made = change.document["record"]
    assert (made.program, made.service, made.keeper) == ("p-there", "s", "k")
    assert made.credentials == ("a/b", "c/d")


@pytest.mark.parametrize(("size_bytes", "in_a_stream"), [(1000, False), (300_000, True)])
async def test_small_files_travel_with_the_question_and_large_ones_as_a_stream(
    size_bytes: int, in_a_stream: bool, tmp_path: Path
) -> None:
    """The test's own server takes what the real one would be asked."""
    (tmp_path / "large").write_bytes(bytes(size_bytes))
    here = ReleaseFiles(manifest(a="1", b="2"), {"1": b"one", "2": tmp_path / "large"})
    part = ReleasePart(LAYOUT, here, record(), fresh=B)
    asked: list[Any] = []

    def release(told: Any) -> object:
        asked.append(told)
        return {"missing": []}

    host = FakeHost(scripts={"release": release})
    await part.carry_out(host, part.plan(raw(ReleaseFacts(current="", releases=[], manifest=None))))
    assert [sorted(told["brought"]) for told in asked] == [[] if in_a_stream else ["1", "2"]]
    assert sorted(path.rpartition("/")[2] for path in host.files) == (["1", "2"] if in_a_stream else [])


def test_an_agent_alone_needs_a_release() -> None:
    part = ReleasePart(LAYOUT, files(manifest(agents__dev__x="1")), record(), agent="dev")
    with pytest.raises(FreeholdError, match="never pushed") as caught:
        part.plan(raw(ReleaseFacts(current="", releases=[], manifest=None)))
    assert caught.value.code is Code.NOT_FOUND


def test_another_project_of_the_same_name_there_is_left_alone() -> None:
    there = msgspec.structs.replace(record(A, "x"), project="Sh op")
    part = ReleasePart(LAYOUT, files(manifest(a="1")), record())
    with pytest.raises(FreeholdError, match='is the project "Sh op" there, and this one is "shop"') as caught:
        part.plan(raw(ReleaseFacts(current=A, releases=[there], manifest=[])))
    assert caught.value.code is Code.CONFLICT


def test_a_difference_tells_files_and_links() -> None:
    before = Manifest.of([Entry("d", Kind.FOLDER), Entry("d/l", Kind.LINK, "x"), Entry("f", Kind.FILE, "1", 1)])
    after = Manifest.of([Entry("d", Kind.FOLDER), Entry("d/l", Kind.LINK, "y"), Entry("f", Kind.PROGRAM, "1", 1)])
    assert difference(before, after) == ["~ d/l", "~ f"]
    assert difference(after, after) == []


@pytest.mark.parametrize(("own", "taken", "port"), [(8085, [8085], 8085), (0, [], 8080), (0, [8080, 8081, 8083], 8082)])
def test_a_port_that_was_chosen_stays(own: int, taken: list[int], port: int) -> None:
    assert port_for(UnitsFacts(files={}, disabled=[], port=own, taken=taken)) == port


def test_no_port_is_told() -> None:
    with pytest.raises(FreeholdError, match="no port from 65535 on"):
        port_for(UnitsFacts(files={}, disabled=[], port=0, taken=[65535]), 65535)


def test_units_are_shown_by_their_difference() -> None:
    texts = unit_texts(LAYOUT, 8080)
    socket = "/etc/systemd/system/freehold@shop.socket"
    there = {**texts, socket: texts[socket].replace("8080", "8081")}
    facts = {"files": there, "disabled": ["freehold@shop.service"], "port": 8080, "taken": []}
    changes = UnitsPart(LAYOUT, texts).plan(raw(facts))
    assert [change.what for change in changes] == [f"write {socket}", "enable freehold@shop.service"]
    assert [line for line in changes[0].detail if line[:2] in ("+L", "-L")] == [
        "-ListenStream=127.0.0.1:8081", "+ListenStream=127.0.0.1:8080"
    ]  # fmt: skip
    assert whats(UnitsPart(LAYOUT, texts), {**facts, "files": texts, "disabled": []}) == []


def test_what_a_service_was_started_with_is_told_apart() -> None:
    texts = unit_texts(LAYOUT, 8080)
    service, keeper = started_with(LAYOUT, texts, "p1", "")
    assert started_with(LAYOUT, texts, "p1", "db") == (started_with(LAYOUT, texts, "p1", "db")[0], keeper)
    assert started_with(LAYOUT, texts, "p1", "db")[0] != service
    assert not {service, keeper} & set(started_with(LAYOUT, texts, "p2", ""))
    other_port = started_with(LAYOUT, unit_texts(LAYOUT, 8081), "p1", "")
    assert other_port[0] != service
    assert other_port[1] == keeper


ACTIVE = dict.fromkeys((LAYOUT.socket, LAYOUT.service, LAYOUT.keeper), "active")


@pytest.mark.parametrize(
    ("started", "active", "planned"),
    [
        ({LAYOUT.service: "s", LAYOUT.keeper: "k"}, ACTIVE, []),
        ({LAYOUT.service: "old", LAYOUT.keeper: "k"}, ACTIVE, ["restart freehold@shop.service"]),
        ({LAYOUT.service: "s", LAYOUT.keeper: "old"}, ACTIVE, ["restart freehold-keeper@shop.service"]),
        ({}, ACTIVE, ["restart freehold-keeper@shop.service", "restart freehold@shop.service"]),
        ({LAYOUT.service: "s", LAYOUT.keeper: "k"}, {**ACTIVE, LAYOUT.keeper: "failed"},
         ["start freehold-keeper@shop.service"]),
        ({LAYOUT.service: "s", LAYOUT.keeper: "k"}, {**ACTIVE, LAYOUT.service: "activating"}, []),
        ({}, {}, ["start freehold@shop.socket", "start freehold-keeper@shop.service", "start freehold@shop.service"]),
    ],
)  # fmt: skip
def test_only_what_must_be_is_started_anew(started: dict[str, str], active: dict[str, str], planned: list[str]) -> None:
    assert whats(RestartPart(LAYOUT, "s", "k"), {"started": started, "active": active}) == planned


def test_two_links_and_no_more_are_switched() -> None:
    part = SwitchPart(LAYOUT, B, "p2", "token")
    assert whats(part, {"current": A, "program": "p2"}) == [
        f"let /opt/freehold/shop/current lead to {B} (until now {A})"
    ]
    assert whats(part, {"current": B, "program": "p1"}) == ["let /opt/freehold/shop/program lead to p2 (until now p1)"]
    assert whats(part, {"current": B, "program": "p2"}) == []


def test_five_releases_stay_and_what_is_half_there_goes() -> None:
    names = [f"{number:026d}" for number in range(1, 8)]
    part = PrunePart(LAYOUT, names[6], names[0])
    facts = {"releases": names, "half": []}
    assert whats(part, facts) == [f"remove release {name}, and images that only it needs" for name in names[1:3]]
    assert whats(part, {"releases": names[5:], "half": [".making-x"]}) == ["remove what 1 push left half there"]


def test_health_is_waited_for_where_something_changes_or_is_wrong() -> None:
    well = {"healthy": True, "final": False, "why": "", "problems": [], "restarts": {}, "journal": []}
    assert whats(HealthPart(LAYOUT), well) == []
    assert whats(HealthPart(LAYOUT, due=True), well) == ["see that it is well, within 1 min 00 s"]
    assert HealthPart(LAYOUT).plan(raw({**well, "healthy": False, "why": "it sleeps"}))[0].detail == ("it sleeps",)


def test_one_goes_back_to_the_release_before_or_to_one_that_is_named() -> None:
    facts = ReleaseFacts(current=B, releases=[record(A), record(B)], manifest=None)
    assert release_to_go_back_to(facts, LAYOUT).id == A
    assert release_to_go_back_to(facts, LAYOUT, A).id == A
    assert release_to_go_back_to(facts, LAYOUT, "b").id == B
    with pytest.raises(FreeholdError, match="that nobody went back from"):
        release_to_go_back_to(msgspec.structs.replace(facts, rolled_back=[A]), LAYOUT)
    for asked, words in (("zz", "has no release zz"), ("", "has no release before")):
        with pytest.raises(FreeholdError, match=words):
            release_to_go_back_to(msgspec.structs.replace(facts, current=A), LAYOUT, asked)


def test_a_plan_is_told_to_people_and_programs() -> None:
    texts = unit_texts(LAYOUT, 8080)
    units = UnitsPart(LAYOUT, texts)
    changes = tuple(units.plan(raw({"files": texts, "disabled": [LAYOUT.socket], "port": 0, "taken": []})))
    switch = SwitchPart(LAYOUT, B, "")
    planned = (
        Planned(switch, tuple(switch.plan(raw({"current": "", "program": ""})))), Planned(units, changes),
        Planned(RestartPart(LAYOUT), ()),
    )  # fmt: skip
    plan = Plan("shop", record(B), None, planned)
    assert [each.step for each in plan.due] == [Step.UNITS, Step.SWITCH]
    assert plan.lines() == ["units: enable freehold@shop.socket", f"switch: let {LAYOUT.current} lead to {B}"]
    told = plan.as_dict()
    assert (told["release"], told["before"]) == (B, None)
    assert [change["step"] for change in told["changes"]] == ["units", "switch"]


@pytest.mark.parametrize(
    ("fragment", "ports"),
    [
        (None, ()),
        (Fragment(project="shop", port=8080), (EdgePort(80),)),
        (Fragment(project="shop", port=8080, hosts=("a.example",)), (EdgePort(80, host="a.example"),)),
        (
            Fragment(project="shop", port=8080, hosts=("a.example",), certificate=LAYOUT.certificate),
            (EdgePort(443, tls=True, host="a.example"),),
        ),
        (
            Fragment(
                project="shop", port=8080, hosts=("a.example",), certificate=LAYOUT.certificate, only_cloudflare=True
            ),
            (),
        ),
    ],
)
def test_the_edge_is_asked_as_a_visitor_would(fragment: Fragment | None, ports: tuple[EdgePort, ...]) -> None:
    assert edge_ports(fragment) == ports

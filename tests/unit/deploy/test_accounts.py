"""Users, groups and folders of a project: what is planned by what is there."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.accounts import AccountsPart, folders
from freehold.deploy.part import Change
from freehold.server.layout import Layout

LAYOUT = Layout("shop")
OURS = {
    "uid": 998,
    "group": "fh-shop",
    "comment": "freehold project shop",
    "home": "/nonexistent",
    "shell": "/usr/sbin/nologin",
}


def facts(**other: Any) -> dict[str, Any]:
    there = {
        each.path: {"is_folder": True, "mode": each.mode, "owner": each.owner, "group": each.group}
        for each in folders(LAYOUT)
    }
    return {
        "users": {"fh-shop": OURS, "fh-shop-keeper": OURS},
        "groups": {"fh-shop": [], "docker": ["fh-shop-keeper"]},
        "folders": there,
        "person_from": 1000,
        **other,
    }


def planned(**other: Any) -> list[Change]:
    return [*AccountsPart(LAYOUT).plan(msgspec.Raw(msgspec.json.encode(facts(**other))))]


def test_all_is_there() -> None:
    assert planned() == []


def test_nothing_is_there() -> None:
    empty = dict.fromkeys(facts()["folders"])
    changes = planned(
        users={"fh-shop": None, "fh-shop-keeper": None}, groups={"fh-shop": None, "docker": None}, folders=empty
    )
    words = [change.what.split(" (")[0] for change in changes]
    assert words[:5] == [
        "make the group fh-shop", "make the group docker",
        "make the user fh-shop, which nobody logs in as", "make the user fh-shop-keeper, which nobody logs in as",
        "let fh-shop-keeper use Docker",
    ]  # fmt: skip
    assert [word.removeprefix("make the folder ") for word in words[5:]] == list(empty)
    (shop,) = [change.document for change in changes if change.what.startswith("make the user fh-shop,")]
    assert "--no-create-home" in shop["argv"]
    assert "/usr/sbin/nologin" in shop["argv"]


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ({**OURS, "uid": 1000}, "a person's account"),
        ({**OURS, "uid": 0}, "a person's account"),
        ({**OURS, "comment": ""}, "somebody else's"),
        ({**OURS, "comment": "freehold project shopping"}, "somebody else's"),
        ({**OURS, "shell": "/bin/bash"}, "may log in"),
    ],
)
def test_names_that_are_taken(user: dict[str, Any], words: str) -> None:
    with pytest.raises(FreeholdError, match=words) as caught:
        planned(users={"fh-shop": OURS, "fh-shop-keeper": user})
    assert caught.value.code is Code.CONFLICT


def test_two_projects_whose_users_would_be_one_are_told_apart() -> None:
    long = Layout("a-project-with-a-name-of-forty-letters-x")
    taken = {**OURS, "comment": "freehold project a-project-with-a-name-of-forty-letters-y"}
    part = AccountsPart(long)
    told = facts(users={long.user: taken, long.keeper_user: None}, groups={long.user: [], "docker": []})
    with pytest.raises(FreeholdError, match="somebody else's"):
        part.plan(msgspec.Raw(msgspec.json.encode(told)))


def test_each_folder_comes_after_the_one_it_lies_in() -> None:
    for layout in (LAYOUT, Layout("shop", "/srv/a/b")):
        paths = [each.path for each in folders(layout)]
        below = {"/opt", "/srv", "/etc", "/var/lib", "/"}
        for index, path in enumerate(paths):
            above = path.rpartition("/")[0]
            assert above in below or above in paths[:index], path


@pytest.mark.parametrize(
    ("base", "path", "other", "words"),
    [
        ("/home/bob/apps", "/home/bob", {"owner": "bob"}, "it belongs to bob"),
        ("/srv/all/apps", "/srv/all", {"mode": 0o1777}, "others than root may write to it"),
        ("/srv/apps", "/srv/apps", {"mode": 0o775}, "others than root may write to it"),
        ("/root/my/apps", "/root/my", {"mode": 0o700}, "is closed to the project's users"),
        ("/opt/freehold", "/opt/freehold/shop", {"owner": "bob"}, "it belongs to bob"),
    ],
)
def test_folders_of_others_are_not_taken(base: str, path: str, other: dict[str, Any], words: str) -> None:
    layout = Layout("shop", base)
    told = facts(folders={each.path: None for each in folders(layout)})
    told["folders"][path] = {"is_folder": True, "mode": 0o755, "owner": "root", "group": "root", **other}
    with pytest.raises(FreeholdError, match=words) as caught:
        AccountsPart(layout).plan(msgspec.Raw(msgspec.json.encode(told)))
    assert caught.value.code is Code.CONFLICT


def test_a_folder_above_that_is_good_enough_stays_as_it_is() -> None:
    layout = Layout("shop", "/srv/apps")
    told = facts(folders={each.path: None for each in folders(layout)})
    told["folders"]["/srv"] = {"is_folder": True, "mode": 0o711, "owner": "root", "group": "staff"}
    changes = AccountsPart(layout).plan(msgspec.Raw(msgspec.json.encode(told)))
    assert [change.document["path"] for change in changes][:2] == ["/srv/apps", "/srv/apps/programs"]


def test_a_project_whose_folder_was_cut_off_half_made_is_repaired() -> None:
    told = facts()
    told["folders"]["/opt/freehold/shop"] = {"is_folder": True, "mode": 0o700, "owner": "root", "group": "root"}
    (change,) = planned(folders=told["folders"])
    assert change.what == "set owner and mode of /opt/freehold/shop (root:root 0755)"

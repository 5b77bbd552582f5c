"""What a teardown will do: tables of what is there, what is wanted, and what then goes and stays."""

from __future__ import annotations

import pytest

from freehold.deploy.deprovision.belongings import Belongings
from freehold.deploy.deprovision.plan import Plan, Wanted, closing_lines, plan_lines, plan_teardown
from freehold.deploy.deprovision.server_side import OnServer
from freehold.providers.leftover import Leftover, LeftoverKind

SERVER, FIREWALL, KEY = (
    Leftover(kind, str(number), "fh-prod-abcd1234")
    for number, kind in enumerate((LeftoverKind.SERVER, LeftoverKind.FIREWALL, LeftoverKind.SSH_KEY))
)
RECORD, CERTIFICATE = Leftover(LeftoverKind.DNS_RECORD, "7", "A app"), Leftover(LeftoverKind.CERTIFICATE, "8", "app")
RENTED = Belongings((KEY, FIREWALL, SERVER), (CERTIFICATE, RECORD))
NOT_RENTED = Belongings((), (RECORD,))
SHARED = ("/etc/ssh/sshd_config.d/01-freehold.conf",)


def there(*projects: str) -> OnServer:
    return OnServer({name: (f"/opt/freehold/{name}", f"unit freehold@{name}.service") for name in projects}, SHARED)


def away(plan: Plan) -> list[Leftover]:
    return list(plan.away)


def test_everything_in_the_order_in_which_it_can_be_removed() -> None:
    plan = plan_teardown(there("shop"), RENTED, Wanted("shop"))
    assert away(plan) == [RECORD, SERVER, FIREWALL, KEY, CERTIFICATE]
    assert (plan.projects, plan.others, plan.stays, plan.forgets) == (("shop",), (), (), True)
    assert plan_lines(plan, "prod") == [
        "On the server, of shop: runs are stopped, then",
        "  remove /opt/freehold/shop",
        "  remove unit freehold@shop.service",
        "At providers:",
        "  remove the DNS record A app (id 7)",
        "  remove the server fh-prod-abcd1234 (id 0)",
        "  remove the firewall fh-prod-abcd1234 (id 1)",
        "  remove the SSH key fh-prod-abcd1234 (id 2)",
        "  remove the origin certificate app (id 8)",
        "Then the environment prod is forgotten.",
    ]


@pytest.mark.parametrize(
    ("projects", "wanted", "goes"),
    [
        ((), Wanted(), ()),
        (("shop",), Wanted(), ("shop",)),
        (("shop",), Wanted("shop"), ("shop",)),
        (("shop",), Wanted("blog"), ()),
        (("blog", "shop"), Wanted(), ()),
        (("blog", "shop"), Wanted("shop"), ("shop",)),
        (("blog", "shop"), Wanted("shop", whole_server=True), ("blog", "shop")),
        (("blog", "shop"), Wanted(whole_server=True), ("blog", "shop")),
    ],
)
def test_which_projects_go(projects: tuple[str, ...], wanted: Wanted, goes: tuple[str, ...]) -> None:
    plan = plan_teardown(there(*projects), RENTED, wanted)
    assert plan.projects == goes
    assert plan.removes_server == (set(projects) == set(goes)), "with others there, the server stays"
    assert plan.forgets == plan.removes_server


def test_where_nothing_would_go_nobody_is_asked_whether_it_may() -> None:
    plan = plan_teardown(there("blog", "docs"), RENTED, Wanted("shop"))
    assert plan.is_empty
    assert plan_lines(plan, "prod")[0] == (
        "Nothing is removed: of the projects there (blog, docs) none is this folder's."
    )
    assert closing_lines(plan, "prod")[0].startswith("nothing was changed; prod is kept: other projects")
    assert not plan_teardown(there("blog", "shop"), RENTED, Wanted("shop")).is_empty
    assert not plan_teardown(there(), Belongings((), ()), Wanted("shop")).is_empty, "the file goes"


def test_a_server_with_others_keeps_all_that_is_theirs() -> None:
    plan = plan_teardown(there("blog", "shop"), RENTED, Wanted("shop"), name_of_hostname="blog")
    assert away(plan) == []
    assert "other projects on the server: blog; --server takes them down with it" in plan.stays
    assert "the host name, which other projects may use" in plan.stays
    assert any("costing" in text for text in plan.stays)
    mine = plan_teardown(there("blog", "shop"), RENTED, Wanted("shop"), name_of_hostname="shop")
    assert away(mine) == [RECORD, CERTIFICATE]


def test_a_server_that_is_kept() -> None:
    plan = plan_teardown(there("shop"), RENTED, Wanted("shop", keep_server=True))
    assert away(plan) == [RECORD, CERTIFICATE]
    assert not plan.forgets
    assert any("sshd_config.d" in text for text in plan.stays)


def test_a_server_that_was_there_before_is_never_removed() -> None:
    plan = plan_teardown(there("shop"), NOT_RENTED, Wanted("shop"))
    assert away(plan) == [RECORD]
    assert plan.forgets
    assert plan.stays == ("what makes the server safer: " + SHARED[0] + "; remove it by hand if you want to",)


def test_an_environment_is_kept_as_long_as_others_are_on_its_server() -> None:
    assert not plan_teardown(there("blog", "shop"), NOT_RENTED, Wanted("shop")).forgets
    assert plan_teardown(there("blog", "shop"), NOT_RENTED, Wanted("shop", whole_server=True)).forgets


@pytest.mark.parametrize(
    ("belongings", "somewhere", "forgets"),
    [(RENTED, True, True), (NOT_RENTED, True, False), (NOT_RENTED, False, True), (Belongings((KEY,)), False, True)],
)
def test_a_server_that_cannot_be_reached(belongings: Belongings, somewhere: bool, forgets: bool) -> None:
    plan = plan_teardown(None, belongings, Wanted("shop"), has_server_somewhere=somewhere)
    assert plan.forgets == forgets, "what is on a server that is nobody's to remove must not be forgotten"
    assert any("cannot be reached" in text for text in plan.stays) == (not forgets)
    assert set(plan.away) == set(belongings.all)


SAFER = f"what makes the server safer: {SHARED[0]}; remove it by hand if you want to"
FORGETS_IT = "`freehold env remove prod` forgets it; nothing happens on its server then"


@pytest.mark.parametrize(
    ("found", "belongings", "wanted", "said"),
    [
        (there("shop"), RENTED, Wanted("shop"), ["prod is taken down, and nothing of it is left"]),
        (there("shop"), NOT_RENTED, Wanted("shop"), [f"prod is taken down and forgotten; this stays: {SAFER}"]),
        (
            there("blog", "shop"),
            Belongings(),
            Wanted("shop"),
            [
                "done; prod is kept: other projects on the server: blog; --server takes them down with it",
                FORGETS_IT,
            ],
        ),
        (
            None,
            Belongings(),
            Wanted("shop"),
            ["not done; prod is kept: everything on the server, which cannot be reached", FORGETS_IT],
        ),
        (
            None,
            RENTED,
            Wanted(keep_server=True),
            ["not done; prod is kept: everything on the server, which cannot be reached"],
        ),
    ],
    ids=["rented", "own", "own, with another project", "own, out of reach", "rented and kept"],
)
def test_the_last_words_say_what_forgets_it(
    found: OnServer | None, belongings: Belongings, wanted: Wanted, said: list[str]
) -> None:
    """Nobody is told to forget what is rented: it would go on costing."""
    assert closing_lines(plan_teardown(found, belongings, wanted), "prod") == said


def test_a_server_that_cannot_be_reached_and_is_kept_is_not_forgotten() -> None:
    assert not plan_teardown(None, RENTED, Wanted(keep_server=True)).forgets

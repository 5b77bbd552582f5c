from __future__ import annotations

import pytest

from freehold.providers.dns import Record
from freehold.providers.record_plan import Target, plan_records
from tests.support.cloud_worlds import PROD, STAGING

V4, V6 = "192.0.2.1", "2001:db8::1"


def record(kind: str, content: str, comment: str = "", *, proxied: bool = True) -> Record:
    return Record(f"{kind}{content}", kind, "a.example.com", content, proxied, comment)


OURS4, OURS6 = record("A", V4, PROD.mark), record("AAAA", "2001:0db8::0001", PROD.mark)
MOVED = record("A", "192.0.2.9", PROD.mark)
PLAIN = record("A", V4, PROD.mark, proxied=False)
THEIRS = record("A", V4)
ANOTHERS = record("A", "198.51.100.1", STAGING.mark)
CNAME = record("CNAME", "pages.example.net")
TEXT = record("TXT", "v=spf1 -all")


@pytest.mark.parametrize(
    ("there", "addresses", "keep", "update", "create", "delete", "others"),
    [
        ((), (V4, V6), (), (), (Target("A", V4), Target("AAAA", V6)), (), ()),
        ((OURS4, OURS6), (V4, V6), (OURS4, OURS6), (), (), (), ()),
        ((OURS4, OURS6), (V4,), (OURS4,), (), (), (OURS6,), ()),
        ((MOVED,), (V4,), (), ((MOVED, Target("A", V4)),), (), (), ()),
        ((MOVED, PLAIN), (V4,), (), ((PLAIN, Target("A", V4)),), (), (MOVED,), ()),
        ((THEIRS,), (V4,), (THEIRS,), (), (), (), ()),
        ((ANOTHERS,), (V4,), (), ((ANOTHERS, Target("A", V4)),), (), (), (ANOTHERS,)),
        ((CNAME, TEXT), (V4,), (), (), (Target("A", V4),), (CNAME,), (CNAME,)),
        ((OURS4, TEXT), (), (), (), (), (OURS4,), ()),
    ],
)
def test_plans(
    there: tuple[Record, ...],
    addresses: tuple[str, ...],
    keep: tuple[Record, ...],
    update: tuple[tuple[Record, Target], ...],
    create: tuple[Target, ...],
    delete: tuple[Record, ...],
    others: tuple[Record, ...],
) -> None:
    plan = plan_records(there, addresses, PROD)
    assert (plan.keep, plan.update, plan.create, plan.delete, plan.others) == (keep, update, create, delete, others)

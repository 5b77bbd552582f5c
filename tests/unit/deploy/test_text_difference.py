"""Every part of a plan shows what becomes of a file in the same way."""

from __future__ import annotations

import msgspec
import pytest

from freehold.deploy.edge_facts import EdgeFacts
from freehold.deploy.edge_part import EdgePart
from freehold.deploy.managed_files import FileThere, ManagedFacts, ManagedFile, Settings, change
from freehold.deploy.text_difference import text_difference
from freehold.deploy.units_part import UnitsPart
from freehold.edge.fragment import Fragment
from freehold.server.layout import HAPROXY_FILE, Layout


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("a\n", "a\n", ()),
        (None, None, ()),
        (None, "a\n", ("--- /dev/null", "+++ /etc/x", "@@ -0,0 +1 @@", "+a")),
        ("a\n", None, ("--- /etc/x", "+++ /dev/null", "@@ -1 +0,0 @@", "-a")),
        ("a\nb\n", "a\nc", ("--- /etc/x", "+++ /etc/x", "@@ -1,2 +1,2 @@", " a", "-b", "+c")),
    ],
)
def test_as_diff_has_it(before: str | None, after: str | None, shown: tuple[str, ...]) -> None:
    assert text_difference("/etc/x", before, after) == shown


@pytest.mark.parametrize("there", [True, False])
def test_the_head_is_the_same_in_all_parts(there: bool) -> None:
    old = "old\n" if there else None
    file = FileThere("", old, 0o644, "root:root") if there else None
    settings = Settings((ManagedFile("/etc/x", "new\n"),), ())
    heads = [_head("/etc/x", change("ssh", "write /etc/x", ManagedFacts(files={"/etc/x": file}), settings).detail)]
    unit = "/etc/systemd/system/x.service"
    units = msgspec.Raw(msgspec.json.encode({"files": {unit: old}, "disabled": [], "port": 0, "taken": []}))
    planned = UnitsPart(Layout("shop"), {unit: "new\n"}).plan(units)
    heads += [_head(unit, each.detail) for each in planned]
    facts = EdgeFacts(haproxy="2.6.12", stock=True, configuration=old)
    edge = {each.what: each.detail for each in EdgePart("shop", Fragment(project="shop", port=8080)).plan_by(facts)}
    heads.append(_head(HAPROXY_FILE, edge[f"write {HAPROXY_FILE}"]))
    assert heads == [("--- PATH" if there else "--- /dev/null", "+++ PATH")] * 3


def _head(path: str, detail: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(line.replace(path, "PATH") for line in detail[:2])

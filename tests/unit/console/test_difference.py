"""A patch by file and line."""

from __future__ import annotations

import pytest

from freehold.console.difference import FileDifference, Line, differences

PATCH = """\
diff --git a/old b/old
deleted file mode 100644
index 1111111..0000000
--- a/old
+++ /dev/null
@@ -1,2 +0,0 @@
-gone
--- a/not a head
diff --git a/new one b/new one
new file mode 100644
--- /dev/null
+++ b/new one\t
@@ -0,0 +1,2 @@ def f():
+fresh
++++ b/not a head
\\ No newline at end of file
diff --git a/pic.png b/pic.png
Binary files a/pic.png and b/pic.png differ
"""


def counts(found: list[FileDifference]) -> list[tuple[str, int, int]]:
    return [(one.name, one.added, one.removed) for one in found]


def test_each_file_has_its_name_and_counts() -> None:
    found = differences(PATCH)
    assert counts(found) == [("old", 0, 2), ("new one", 2, 0), ("a/pic.png b/pic.png", 0, 0)]
    assert found[1].lines[-4:] == [
        Line("place", "@@ -0,0 +1,2 @@ def f():"),
        Line("added", "+fresh"),
        Line("added", "++++ b/not a head"),
        Line("note", "\\ No newline at end of file"),
    ]
    assert [line.kind for line in found[0].lines] == ["head"] * 5 + ["place", "removed", "removed"]


def test_what_has_no_room_is_counted() -> None:
    found = differences(PATCH, 7)
    assert [(len(one.lines), one.left_out) for one in found] == [(7, 1), (0, 8), (0, 2)]
    assert counts(found)[1] == ("new one", 2, 0)


@pytest.mark.parametrize("patch", ["", "\n", "no patch\nat all", "@@\n+x", "\ndiff --git \n\n@@", "\0\r\n+++ b/"])
def test_what_is_no_patch_is_shown_all_the_same(patch: str) -> None:
    shown = [line.text for one in differences(patch) for line in one.lines]
    assert shown == (patch.removesuffix("\n").split("\n") if patch else [])

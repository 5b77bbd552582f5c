"""What a run left, seen in a browser: files, and changes with added and removed lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from freehold.wire.left import LeftFile, RepositoryLeft, RunLeft
from freehold.wire.runs import RunView
from tests.support.console_world import ConsoleWorld

pytestmark = pytest.mark.browser
EVIL = "/workspace/<img src=x onerror=alert(1)>.html"
PAGE = b"<script>document.title = 'taken'</script><h1>Hello</h1>"
PATCH = """\
diff --git a/parser.py b/parser.py
index 3f1c2d4..9a8b7c6 100644
--- a/parser.py
+++ b/parser.py
@@ -10,7 +10,8 @@ def parse(text):
     tokens = split(text)
-    return tokens[0]
+    if not tokens:
+        raise ValueError("nothing to parse")
+    return tokens[0]  # <script>alert(1)</script>
     # and so on
diff --git a/tests/test_parser.py b/tests/test_parser.py
new file mode 100644
--- /dev/null
+++ b/tests/test_parser.py
@@ -0,0 +1,2 @@
+def test_empty() -> None:
+    ...
"""


async def left_behind(console: ConsoleWorld) -> RunView:
    run = await console.begin()
    events = console.world.events
    names = {"/workspace/shop/parser.py": b"def parse(text): ...\n", EVIL: PAGE}
    kept = [
        LeftFile(path=name, state="changed", size_bytes=len(text), kept=True, text=True) for name, text in names.items()
    ]
    others = [
        LeftFile(path="/workspace/model.bin", state="written", size_bytes=41_000_000, kept=False, text=False),
        LeftFile(path="/workspace/logo.png", state="added", size_bytes=4, kept=True, text=False),
        LeftFile(path="/workspace/shop/old.py", state="removed", size_bytes=0, kept=False, text=False),
    ]
    shop = RepositoryLeft(
        path="/workspace/shop", base="a1b2c3d4" * 5, commits=["9a8b7c6 Refuse what is empty"], patch=PATCH
    )
    events.lefts[run.run_id] = RunLeft(files=[*kept, *others], more=12, repositories=[shop])
    events.contents.update({(run.run_id, name): text for name, text in names.items()})
    events.contents[run.run_id, "/workspace/logo.png"] = b"\x89PNG"
    console.world.world.keeper.end(run.run_id, value="done")
    await console.world.world.until_closed(1)
    return run


async def test_which_files_a_run_changed_is_seen(console: ConsoleWorld, tmp_path: Path) -> None:
    run = await left_behind(console)
    page = await console.page()
    await page.get_by_role("link", name="Last run of dev").click()
    await page.get_by_role("link", name="17 files, changes in /workspace/shop").click()
    row = page.get_by_role("row").filter(has_text="parser.py")
    await expect(row).to_contain_text("changed")
    await expect(page.get_by_role("row").filter(has_text="model.bin")).to_contain_text("not kept")
    await expect(page.get_by_text("12 more are not listed.")).to_be_visible()
    changed = page.get_by_role("group").filter(has_text="parser.py").first
    await expect(changed).to_contain_text("+3")
    await expect(changed).to_contain_text('raise ValueError("nothing to parse")')
    await expect(page.get_by_text("Refuse what is empty")).to_be_visible()
    await page.screenshot(path=console.shot("left-light"), full_page=True)
    async with page.expect_download() as saving:
        await page.get_by_role("link", name="Save the patch").click()
    patch = tmp_path / "saved.patch"
    await (await saving.value).save_as(patch)
    assert patch.read_text() == PATCH
    assert (await saving.value).suggested_filename == f"{run.run_id}.patch"
    await row.get_by_role("link", name="/workspace/shop/parser.py", exact=True).click()
    await expect(page.get_by_text("def parse(text): ...")).to_be_visible()
    await page.screenshot(path=console.shot("left-file-light"), full_page=True)


async def test_a_page_that_an_agent_wrote_runs_nowhere(console: ConsoleWorld) -> None:
    run = await left_behind(console)
    page = await console.page()
    await page.goto(f"{console.address}/runs/{run.run_id}/files")
    await page.get_by_role("link", name=EVIL, exact=True).click()
    await expect(page.get_by_text("document.title = 'taken'")).to_be_visible()  # as text
    assert "taken" not in await page.title()
    async with page.expect_download() as saving:
        await page.get_by_role("link", name="Save", exact=True).click()
    assert (await saving.value).suggested_filename.endswith(".html")
    saved = await page.request.get(f"{console.address}/api/v1/runs/{run.run_id}/left/file", params={"path": EVIL})
    assert await saved.body() == PAGE
    told = saved.headers
    assert told["content-type"] == "application/octet-stream"
    assert told["content-disposition"].startswith("attachment;")
    assert told["x-content-type-options"] == "nosniff"
    assert told["content-security-policy"] == "sandbox; default-src 'none'"


@pytest.mark.parametrize("dark", [False, True])
async def test_it_is_read_on_a_phone_and_without_scripts(console: ConsoleWorld, dark: bool) -> None:
    run = await left_behind(console)
    page = await console.page(phone=True, dark=dark, script=dark)
    for place in ("files", "files/view?path=/workspace/shop/parser.py"):
        await page.goto(f"{console.address}/runs/{run.run_id}/{place}")
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        if dark:
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        name = f"left-phone-{'dark' if dark else 'light'}-{'file' if 'view' in place else 'list'}"
        await page.screenshot(path=console.shot(name), full_page=True)


async def test_of_a_run_under_way_it_is_not_known_yet(console: ConsoleWorld) -> None:
    run = await console.begin()
    page = await console.page()
    await page.goto(f"{console.address}/runs/{run.run_id}/files")
    await expect(page.get_by_text("It is told when the run has ended.")).to_be_visible()
    console.world.world.keeper.end(run.run_id)
    await console.world.world.until_closed(1)
    await page.reload()
    await expect(page.get_by_text("It is not known")).to_be_visible()

"""Every link in the documentation leads somewhere, and every page can be found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.support.pages import DOCS, ROOT, Page, pages

PAGES = {page.path: page for page in pages()}


def broken_links(page: Page) -> Iterator[str]:
    for target in page.links():
        if target.startswith(("https://", "http://")):
            continue
        name, _, anchor = unquote(target).partition("#")
        path = (page.path.parent / name).resolve() if name else page.path
        if not path.exists() or (anchor and anchor not in Page(path).anchors):
            yield target


@pytest.mark.parametrize("page", PAGES.values(), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Page) -> None:
    assert list(broken_links(page)) == []


@pytest.mark.parametrize("page", [page for page in PAGES.values() if DOCS in page.path.parents], ids=lambda p: p.name)
def test_the_site_links_to_itself_alone(page: Page) -> None:
    """The pages below docs/ are also built into a site, on which nothing else of the repository is."""
    outside = [target for target in page.links() if not target.startswith("http") and leads_out(page, target)]
    assert outside == []


def leads_out(page: Page, target: str) -> bool:
    name = target.partition("#")[0]
    return bool(name) and DOCS not in (page.path.parent / name).resolve().parents


@pytest.mark.parametrize("folder", [DOCS, DOCS / "why"], ids=["docs", "docs/why"])
def test_every_page_is_in_its_index(folder: Path) -> None:
    index = Page(folder / "README.md")
    linked = {(folder / target).resolve() for target in index.links()}
    assert [path.name for path in sorted(folder.glob("*.md")) if path != index.path and path not in linked] == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Here\n[a](#here) [b](#there) [c](page.md#here) [d](no.md) [`e`](https://example.com) `[f](x)`\n")
    assert list(broken_links(Page(page))) == ["#there", "no.md"]


def test_the_readme_is_among_the_pages() -> None:
    assert ROOT / "README.md" in PAGES

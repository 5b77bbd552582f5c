"""What is documented is what the schema says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from freehold.project import keys
from freehold.project.credentials import CREDENTIAL_TYPES
from freehold.project.key import Key

ROOT = Path(__file__).parents[3]


def generate(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = root / "scripts" / "generate-docs"
    return subprocess.run([sys.executable, str(script), *arguments], capture_output=True, text=True)


def test_the_documentation_is_up_to_date() -> None:
    done = generate(ROOT, "--check")
    assert done.returncode == 0, done.stderr


def test_a_difference_is_found_and_repaired(tmp_path: Path) -> None:
    for folder in ("docs", "scripts"):
        (tmp_path / folder).mkdir()
    shutil.copy(ROOT / "scripts/generate-docs", tmp_path / "scripts")
    shutil.copy(ROOT / "docs/credentials.md", tmp_path / "docs")
    (tmp_path / "docs/configuration.md").write_text("old")
    checked = generate(tmp_path, "--check")
    assert checked.returncode == 1
    assert checked.stderr == "error: older than the schema: docs/configuration.md; run scripts/generate-docs\n"
    assert generate(tmp_path).returncode == 0
    assert (tmp_path / "docs/configuration.md").read_text() == (ROOT / "docs/configuration.md").read_text()


def names(table: tuple[Key, ...]) -> set[str]:
    return {name for key in table for name in (*key.spellings, *names(key.keys))}


def test_every_key_and_every_type_is_documented() -> None:
    configuration = (ROOT / "docs/configuration.md").read_text()
    tables = [*keys.PROJECT_KEYS, *keys.AGENT_KEYS, *keys.SERVER_KEYS, *keys.PROVISION_KEYS, *keys.FRONTMATTER_KEYS]
    tables += keys.LOCAL_OVERLAY_KEYS
    assert [name for name in names(tuple(tables)) if f"`{name}`" not in configuration] == []
    credentials = (ROOT / "docs/credentials.md").read_text()
    assert [name for name in CREDENTIAL_TYPES if f"`{name}`" not in credentials] == []


def test_every_key_is_told_in_one_sentence() -> None:
    def told(table: tuple[Key, ...]) -> list[Key]:
        return [key for each in table for key in (each, *told(each.keys))]

    tables = (*keys.PROJECT_KEYS, *keys.AGENT_KEYS, *keys.SERVER_KEYS, *keys.PROVISION_KEYS, *keys.FRONTMATTER_KEYS)
    assert [key.name for key in told(tables) if not key.doc.endswith(".") or "\n" in key.doc] == []

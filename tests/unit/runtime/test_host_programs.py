from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.runtime.host import launcher, supervisor
from freehold.runtime.host.programs import (
    _is_wanted,
    _name_of,
    find_interpreter,
    install,
    is_hidden,
    needed_distributions,
    readable_by_all,
)
from freehold.wire import places


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        ("msgspec", "msgspec"),
        ("msgspec>=0.22,<0.23", "msgspec"),
        ("Typing_Extensions (>=4)", "typing-extensions"),
        ("httpx2[http2]>=1; extra == 'x'", "httpx2"),
        ("a.b~=1", "a-b"),
        ("tool @ https://example.com/tool.whl", "tool"),
    ],
)
def test_the_name_in_a_requirement(requirement: str, name: str) -> None:
    assert _name_of(requirement) == name


@pytest.mark.parametrize(
    ("requirement", "wanted"),
    [
        ("a", True),
        ("a; python_version < '3.12'", True),
        ('a; extra == "openai"', True),
        ("a; python_version < '3.12' and extra == 'openai'", True),
        ('a; extra == "docs"', False),
    ],
)
def test_only_the_extras_that_are_used(requirement: str, wanted: bool) -> None:
    assert _is_wanted(requirement, {"openai"}) is wanted


def test_what_is_needed_is_found_and_what_is_not_installed_is_left_out() -> None:
    found = needed_distributions(["msgspec", "pydantic-ai-slim", "no-such-distribution"])
    assert {"msgspec", "pydantic-ai-slim", "pydantic", "openai", "anthropic"} <= set(found)
    assert "no-such-distribution" not in found
    assert "pytest" not in found


def test_what_everybody_can_read(tmp_path: Path) -> None:
    assert readable_by_all(Path("/bin/sh"))
    assert not readable_by_all(Path("/no/such/file"))
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    (private / "file").touch(mode=0o644)
    assert not readable_by_all(private / "file")


def test_a_python_in_a_private_directory_is_replaced_by_the_systems_or_named(tmp_path: Path) -> None:
    private = tmp_path / "python"
    private.touch(mode=0o700)
    system = subprocess.run(
        ["/usr/bin/python3", "-c", "import sys; print(sys.version_info[:2] == %r)" % (sys.version_info[:2],)],  # noqa: UP031
        capture_output=True,
        text=True,
    )
    if system.stdout.strip() == "True":
        assert find_interpreter(private, private=False) == Path("/usr/bin/python3")
        return
    with pytest.raises(FreeholdError) as caught:
        find_interpreter(private, private=False)
    assert caught.value.code is Code.CONFIG
    assert str(private) in caught.value.message


def test_what_lies_below_tmp_is_hidden_from_runs_that_have_their_own() -> None:
    assert is_hidden(Path("/tmp/checkout/.venv/bin/python"))
    assert is_hidden(Path("/var/../tmp/x"))
    assert not is_hidden(Path("/var/tmp/x"))
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        ours = Path(folder, "python")
        ours.touch(mode=0o700)
        assert find_interpreter(ours, private=True) == ours
    assert find_interpreter(Path("/tmp/no/python"), private=True) != Path("/tmp/no/python")


def test_programs_are_made_once_for_each_state_of_ours(tmp_path: Path) -> None:
    first = install(tmp_path, private=True)
    assert install(tmp_path, private=True) == first
    names = {path.name for path in first.bin.iterdir()}
    assert names == {"runner", "harness", "fh", "freehold-launch", *places.FH_ALIASES}
    assert (first.bin / "rlock").readlink() == Path("fh")
    assert first.launcher.read_text() == inspect.getsource(launcher)
    assert all(path.stat().st_mode & 0o777 == 0o755 for path in first.bin.iterdir())


def test_programs_of_which_a_part_was_cleared_away_are_made_again(tmp_path: Path) -> None:
    first = install(tmp_path, private=True)
    (first.bin / "runner").unlink()
    assert (install(tmp_path, private=True).bin / "runner").exists()


def test_a_program_finds_our_packages_and_nothing_of_the_agents(tmp_path: Path) -> None:
    text = (install(tmp_path, private=True).bin / "fh").read_text()
    assert text.startswith((f"#!{sys.executable} -IS\n", f"#!{Path(sys.executable).resolve()} -IS\n"))
    assert "from freehold.runner.fh import main" in text


@pytest.mark.parametrize("module", [launcher, supervisor])
def test_what_runs_by_path_imports_the_standard_library_only(module: object) -> None:
    tree = ast.parse(Path(str(vars(module)["__file__"])).read_text())
    imported = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= set(sys.stdlib_module_names)


@pytest.mark.parametrize(("status", "code"), [(0, 0), (3 << 8, 3), (9, 137), (15, 143)])
def test_exit_codes_are_told_as_a_shell_does(status: int, code: int) -> None:
    assert supervisor.code_of(status) == code


def test_the_link_of_a_private_virtual_environment_is_followed(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    link = private / "python"
    link.symlink_to("/usr/bin/python3")
    assert find_interpreter(link, private=False) == Path("/usr/bin/python3").resolve()

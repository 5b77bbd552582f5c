"""What a sandbox's image is made of."""

from __future__ import annotations

import subprocess

import pytest

from freehold.providers.sandbox.recipe import FOLDER, SUITES, Form, Recipe, Suite


def recipe(suite: Suite = Suite.BOOKWORM, form: Form = Form.READY, **certificates: bytes) -> Recipe:
    return Recipe(suite, form, certificates)


def test_name_tells_the_suite_and_twelve_digits() -> None:
    name = recipe().name
    assert name.startswith("freehold-sandbox:bookworm-")
    assert len(name.rpartition("-")[2]) == 12
    assert name == recipe().name


@pytest.mark.parametrize("other", [recipe(Suite.TRIXIE), recipe(form=Form.PLAIN), recipe(company=b"PEM")])
def test_another_recipe_has_another_name(other: Recipe) -> None:
    assert other.name != recipe().name


def test_certificates_cannot_be_mistaken_for_others() -> None:
    assert recipe(a=b"bc").name != recipe(ab=b"c").name


@pytest.mark.parametrize(
    ("version", "registry", "here", "packages"),
    [
        ("12", "debian:12-slim", "freehold-debian:12", "docker.io"),
        ("13", "debian:13-slim", "freehold-debian:13", "docker.io docker-cli"),
    ],
)
def test_each_debian_has_its_bases_and_packages(version: str, registry: str, here: str, packages: str) -> None:
    suite = SUITES[version]
    assert (suite.from_registry, suite.from_here) == (registry, here)
    assert recipe(suite).arguments(here) == {"FROM": here, "PACKAGES": packages}
    assert recipe(suite, Form.PLAIN).arguments(here) == {"FROM": here}


def test_dockerfile_has_a_stage_for_each_form_and_copies_what_the_recipe_has() -> None:
    text = recipe().dockerfile
    stages = [line.split()[-1] for line in text.splitlines() if line.startswith("FROM")]
    assert stages == [Form.PLAIN, Form.READY]
    assert set(recipe(company=b"PEM").files) == {"ca/README", "ca/company", "boot"}


def test_what_reaches_through_to_the_machines_kernel_is_masked() -> None:
    for unit in ("systemd-sysctl.service", "systemd-binfmt.service", "systemd-journald-audit.socket"):
        assert unit in recipe().dockerfile


def test_first_program_is_a_shell_script_that_a_shell_can_read() -> None:
    done = subprocess.run(["sh", "-n", FOLDER / "boot"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")

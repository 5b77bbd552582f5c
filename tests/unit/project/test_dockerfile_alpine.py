from __future__ import annotations

import pytest

from freehold.project.dockerfiles.alpine import apt_line, debian_name

NAMES = {
    "jq": "jq", "github-cli": "gh", "py3-pip": "python3-pip", "py3-requests": "python3-requests",
    "build-base": "build-essential", "openssl-dev": "libssl-dev", "jpeg-dev": "libjpeg-dev", "libffi-dev": "libffi-dev",
    "nodejs=20.1": "nodejs", "python3~3.12": "python3", "foo@edge": "foo", "libc6-compat": "",
    "python3-dev": "python3-dev",
}  # fmt: skip


@pytest.mark.parametrize(("alpine", "debian"), NAMES.items())
def test_what_debian_calls_a_package(alpine: str, debian: str) -> None:
    assert debian_name(alpine) == debian


def test_the_line_to_write() -> None:
    assert apt_line(["python3", "py3-pip", "libc6-compat", "python3"]) == (
        "RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-pip "
        "&& rm -rf /var/lib/apt/lists/*"
    )


def test_where_no_package_is_known_the_line_has_a_place_for_it() -> None:
    assert " PACKAGE " in apt_line([])

"""Laptop and server of different versions: who is served, who is refused, and what people are told."""

from __future__ import annotations

import pytest

from freehold import __version__
from freehold.base.errors import Code, FreeholdError
from freehold.wire.versions import OLDEST_CLIENT, Standing, require_served, standing, told_of_server


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        ("0.1.0", "0.1.0", Standing.SAME),
        ("0.1", "0.1.0", Standing.SAME),
        ("0.2.0rc1", "0.2.0", Standing.SAME),
        ("0.2.0.dev3+g12ab", "0.2", Standing.SAME),
        ("0.1.9", "0.1.10", Standing.OLDER),
        ("0.9.9", "1", Standing.OLDER),
        ("1.0.1", "1.0", Standing.NEWER),
        ("10.0", "9.9.9", Standing.NEWER),
        ("", "1.0", Standing.UNKNOWN),
        ("latest", "1.0", Standing.UNKNOWN),
        ("-1", "1.0", Standing.UNKNOWN),
        ("٣.1", "1.0", Standing.UNKNOWN),
        ("1" * 65, "1.0", Standing.UNKNOWN),
    ],
)
def test_versions_are_ordered_by_their_numbers(theirs: str, ours: str, expected: Standing) -> None:
    assert standing(theirs, ours) is expected


@pytest.mark.parametrize("client", ["0.3.0", "0.3", "0.4.1", "1.0.0", "99.0", "", "curl"])
def test_from_the_oldest_on_every_client_is_served(client: str) -> None:
    require_served(client, server="0.5.0", oldest="0.3.0")


@pytest.mark.parametrize("client", ["0.2.9", "0.1", "0"])
def test_an_older_one_is_refused_and_told_what_to_install(client: str) -> None:
    with pytest.raises(FreeholdError) as caught:
        require_served(client, server="0.5.0", oldest="0.3.0")
    error = caught.value
    assert (error.code, error.http_status) == (Code.OUTDATED, 426)
    assert client in error.message
    assert "0.3.0" in error.message
    assert "0.5.0" in error.hint


def test_this_version_serves_itself() -> None:
    require_served(__version__, __version__)
    assert standing(OLDEST_CLIENT, __version__) in (Standing.SAME, Standing.OLDER)


def test_a_service_that_was_started_before_an_upgrade_is_started_anew() -> None:
    assert "`freehold stop`" in told_of_server("0.5.0", "0.4.0", "")
    assert told_of_server("0.5.0", "0.5.0", "") == ""


@pytest.mark.parametrize(
    ("server", "told"),
    [
        ("0.5.0", ""),
        ("", ""),
        ("0.4.0", "`freehold push -E prod` brings it to 0.5.0"),
        ("0.6.0", "a push takes the server back to 0.5.0"),
    ],
)
def test_people_are_told_of_a_server_of_another_version(server: str, told: str) -> None:
    found = told_of_server("0.5.0", server, "prod")
    assert told in found
    assert bool(told) == bool(found)

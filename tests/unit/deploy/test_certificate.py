"""Certificates of an edge: whether one is for the names, of now, on its key, and whole."""

from __future__ import annotations

import datetime as dt

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.deploy.certificate import Certificate, certificate_problem, require_pair
from tests.support.edge_certificates import DAY, NOW, Signed, signed

HOST = "shop.example.com"


@pytest.mark.parametrize(
    ("names", "host", "covered"),
    [
        (("shop.example.com",), HOST, True),
        (("SHOP.example.com",), HOST, True),
        (("blog.example.com", "shop.example.com"), HOST, True),
        (("*.example.com",), HOST, True),
        (("*.example.com",), "a.shop.example.com", False),
        (("*.example.com",), "example.com", False),
        (("*.com",), HOST, False),
        (("*",), HOST, False),
        (("example.com",), HOST, False),
        ((), HOST, False),
    ],
)
def test_which_names_it_covers(names: tuple[str, ...], host: str, covered: bool) -> None:
    assert Certificate.read(signed(*names).pem).covers(host) is covered


ROOT = signed()
MIDDLE = signed(by=ROOT)
GOOD = signed(HOST, by=MIDDLE)


@pytest.mark.parametrize(
    ("pem", "words"),
    [
        (GOOD.pem, ""),
        (GOOD.pem + MIDDLE.pem, ""),
        (GOOD.pem + MIDDLE.pem + ROOT.pem, ""),
        (GOOD.pem + ROOT.pem, "not a chain"),
        (signed("blog.example.com").pem, "is for blog.example.com, and not for shop.example.com"),
        (signed(HOST, begins=NOW - 9 * DAY, ends=NOW - DAY).pem, "ended on 2026-11-20"),
        (signed(HOST, begins=NOW + DAY).pem, "begins on 2026-11-22 only"),
        (MIDDLE.pem + GOOD.pem, "is for none, and not for"),
    ],
)
def test_what_is_wrong_with_it(pem: str, words: str) -> None:
    problem = certificate_problem(Certificate.read(pem), [HOST], NOW)
    assert words in problem
    assert bool(problem) is bool(words)


@pytest.mark.parametrize(
    ("pem", "key", "words"),
    [
        ("no certificate", GOOD.key_pem, "the certificate cannot be read"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            GOOD.key_pem,
            "the certificate cannot be read",
        ),
        (GOOD.pem, Secret("no key"), "the key cannot be read"),
        (GOOD.pem, GOOD.locked_key_pem, "passphrase"),
        (GOOD.pem, MIDDLE.key_pem, "the key is not the certificate's"),
        (signed("blog.example.com").pem, GOOD.key_pem, "the key is not the certificate's"),
    ],
)
def test_files_that_do_not_fit(pem: str, key: Secret, words: str) -> None:
    with pytest.raises(FreeholdError, match=words) as raised:
        require_pair(pem, key, [HOST], NOW)
    assert raised.value.code is Code.CREDENTIAL
    assert "PRIVATE KEY" not in raised.value.message


def test_a_pair_for_other_names_is_refused_and_a_good_one_taken() -> None:
    with pytest.raises(FreeholdError, match="not for blog"):
        require_pair(GOOD.pem, GOOD.key_pem, [HOST, "blog.example.com"], NOW)
    assert require_pair(GOOD.pem + MIDDLE.pem, GOOD.key_pem, [HOST], NOW).days_left(NOW) == 90


def test_what_nobody_knows_is_not_public() -> None:
    of_today = dt.datetime.now(dt.UTC)
    certificate = Certificate.read(_of(of_today).pem)
    assert not certificate.is_public(HOST, of_today)
    assert certificate.issuer == HOST


def _of(now: dt.datetime) -> Signed:
    return signed(HOST, begins=now - DAY, ends=now + DAY)

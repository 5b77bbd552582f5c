"""Host keys: reading, fingerprints, pins."""

from __future__ import annotations

import pytest

from freehold.project.host_key import HostKey, Pin

# github.com's own, with the fingerprint that its documentation tells ("GitHub's SSH key fingerprints").
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
FINGERPRINT = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"


def test_a_key_and_its_fingerprint() -> None:
    key = HostKey.parse(f"{KEY} root@github\n")
    assert (key.fingerprint, str(key)) == (FINGERPRINT, KEY)


@pytest.mark.parametrize("text", [KEY, FINGERPRINT, f"{FINGERPRINT}=", f"  {KEY} comment "])
def test_a_pin_fits_its_key_and_no_other(text: str) -> None:
    key = HostKey.parse(KEY)
    other = HostKey(key.algorithm, key.blob[:-1] + b"x")
    assert (Pin.parse(text).fits(key), Pin.parse(text).fits(other)) == (True, False)


@pytest.mark.parametrize(
    "text",
    [
        "", "ssh-ed25519", "SHA256:", "SHA256:short", "MD5:aa:bb", "ssh-ed25519 AAAA", "ssh-ed25519 not-base64!",
        f"ssh-rsa {KEY.split()[1]}", KEY.split()[1], "x\0 AAAA",
    ],
)  # fmt: skip
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        Pin.parse(text)

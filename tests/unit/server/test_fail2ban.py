"""Who counts as one who tries to log in: lines as sshd writes them, and the expression that we add to Debian's."""

from __future__ import annotations

import re

import pytest

from freehold.server import fail2ban


def expressions() -> list[re.Pattern[str]]:
    """With fail2ban's tags replaced as it does."""
    lines = fail2ban.login_filter().splitlines()
    found = [line.partition("= ")[2] or line.strip() for line in lines if "<HOST>" in line]
    tags = {
        "<F-MLFFORGET>": "",
        "</F-MLFFORGET>": "",
        "<F-USER>": "(?:",
        "</F-USER>": ")",
        "<HOST>": r"(?P<host>[0-9a-f.:]+)",
    }
    for tag, meaning in tags.items():
        found = [each.replace(tag, meaning) for each in found]
    return [re.compile(each) for each in found]


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("Connection closed by authenticating user root 192.0.2.7 port 39946 [preauth]", "192.0.2.7"),
        ("Connection reset by invalid user a b 192.0.2.7 port 39946 [preauth]", "192.0.2.7"),
        ("Disconnected from authenticating user root 2001:db8::7 port 5 [preauth]", "2001:db8::7"),
        ("Connection closed by invalid user x 198.51.100.1 on 192.0.2.7 port 5 [preauth]", "192.0.2.7"),
        ("Connection closed by invalid user x 198.51.100.1 port 5 [preauth] 192.0.2.7 port 5 [preauth]", "192.0.2.7"),
        ("drop connection #0 from [192.0.2.7]:39984 on [203.0.113.1]:22 penalty: failed authentication", "192.0.2.7"),
        ("drop connection #0 from [192.0.2.7]:39984 on [203.0.113.1]:22 penalty: exceeded LoginGraceTime", ""),
        ("Connection closed by 192.0.2.7 port 45274 [preauth]", ""),
        ("Connection closed by 192.0.2.7 port 45274", ""),
        ("error: kex_exchange_identification: Connection closed by remote host", ""),
        ("Disconnected from user root 192.0.2.7 port 5", ""),
    ],
)  # fmt: skip
def test_who_counts(line: str, address: str) -> None:
    found = [match["host"] for each in expressions() if (match := each.search(line))]
    assert found == ([address] if address else [])

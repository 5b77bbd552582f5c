"""Writes valid updates without end."""

import sys

from tests.harnesses.acp_script import say, serve


def answer(_: str) -> str:
    while True:
        say("flood " * 2000)


serve(answer)
sys.exit(0)

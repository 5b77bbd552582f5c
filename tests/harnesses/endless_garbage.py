"""Writes lines that are no messages, without end."""

import sys

from tests.harnesses.acp_script import serve


def answer(_: str) -> str:
    while True:
        sys.stdout.write("not a message\n")


serve(answer)

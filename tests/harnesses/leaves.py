"""Ends with exit code 0 in the middle of its turn, as if all were well."""

import sys

from tests.harnesses.acp_script import say, serve


def answer(_: str) -> str:
    say("good bye")
    sys.exit(0)


serve(answer)

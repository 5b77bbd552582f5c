"""Closes its output and goes on running."""

import os
import time

from tests.harnesses.acp_script import say, serve


def answer(_: str) -> str:
    say("last words")
    os.close(1)
    time.sleep(3600)
    return "end_turn"


serve(answer)

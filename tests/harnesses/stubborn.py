"""Does not care for cancel, nor for SIGTERM."""

import signal
import time

from tests.harnesses.acp_script import say, serve

signal.signal(signal.SIGTERM, signal.SIG_IGN)


def answer(_: str) -> str:
    say("ready")
    while True:
        time.sleep(1)


serve(answer)

"""Falls silent: before the handshake (`handshake`), or in its turn."""

import sys
import time

from tests.harnesses.acp_script import serve


def answer(_: str) -> str:
    time.sleep(3600)
    return "end_turn"


if "handshake" in sys.argv:
    time.sleep(3600)
serve(answer)

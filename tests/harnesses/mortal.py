"""Dies of `die` with exit code 7: at once, or a moment after its turn."""

import os
import threading

from tests.harnesses.acp_script import serve


def answer(text: str) -> str:
    if text.endswith("later"):
        threading.Timer(0.2, os._exit, [7]).start()
        return "end_turn"
    os._exit(7)


serve(answer)

"""Says nothing for a second after its first turn, then writes a file `later`; answers each prompt a little late."""

import threading
import time
from pathlib import Path

from tests.harnesses.acp_script import serve


def answer(_text: str) -> str:
    time.sleep(0.3)
    threading.Timer(1.0, Path("later").touch).start()
    return "end_turn"


serve(answer)

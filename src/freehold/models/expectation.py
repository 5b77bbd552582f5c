"""Looking for a regular expression in what a tool returned, with an end.

Python's own search can take longer than anybody waits (`^(a+)+$` doubles with each letter), and holds everything else
in its process meanwhile. A rehearsal may be a stranger's, and the keeper serves all runs; so what may repeat is looked
for in a process of its own.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys

DEADLINE_S = 5.0

_REPEATS = re.compile(r"[*+?{]")
_PROGRAM = """\
import json, re, sys
told = json.load(sys.stdin)
print(int(re.search(told["pattern"], told["text"], told["flags"]) is not None))
"""


def is_met(expected: re.Pattern[str], text: str, deadline_s: float = DEADLINE_S) -> bool | None:
    """Whether `expected` is found in `text`; None when that was not decided within the deadline. It blocks."""
    if not _REPEATS.search(expected.pattern):
        return expected.search(text) is not None
    told = json.dumps({"pattern": expected.pattern, "text": text, "flags": int(expected.flags)})
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _PROGRAM],
            input=told.encode(),
            capture_output=True,
            env={},
            timeout=deadline_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.strip() == b"1" if done.returncode == 0 else None

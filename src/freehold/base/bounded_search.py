"""Looking for somebody's regular expression in many lines, with an end.

Python's own search can take longer than anybody waits (`^(a+)+$` doubles with each letter), and holds everything else
in its process meanwhile. So it is done in a process of its own, which is killed when its time is up.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Sequence

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import duration

DEADLINE_S = 2.0
LONGEST_PATTERN = 500
_PLAIN = re.compile(r"[\w \t\"':,/@#%&=;<>~-]*")
_PROGRAM = """\
import json, re, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))
told = json.load(sys.stdin)
search = re.compile(told["pattern"]).search
json.dump([number for number, line in enumerate(told["lines"]) if search(line)], sys.stdout)
"""


async def matching_lines(pattern: str, lines: Sequence[str], deadline_s: float = DEADLINE_S) -> list[int]:
    """The numbers of the lines in which `pattern` is found.

    Raises USAGE for what is no pattern, and for one that takes longer than `deadline_s` for all lines together.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise FreeholdError(Code.USAGE, f"a pattern has at most {LONGEST_PATTERN} characters")
    if _PLAIN.fullmatch(pattern):
        return [number for number, line in enumerate(lines) if pattern in line]
    told = json.dumps({"pattern": pattern, "lines": list(lines)}).encode()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", "-c", _PROGRAM, env={},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(deadline_s):
            said, _ = await process.communicate(told)
    except TimeoutError:
        raise FreeholdError(
            Code.USAGE, f"the pattern takes longer than {duration(deadline_s)}", "Write a simpler one."
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise FreeholdError(Code.USAGE, "Invalid grep pattern: it is no regular expression")
    found: list[int] = json.loads(said)
    return found

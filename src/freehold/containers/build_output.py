"""What BuildKit says while it builds (`--progress=plain`), read into steps for people and the cause of a failure: pure.

A step is a vertex of BuildKit's graph and has a number: `#5 [tools 2/4] RUN make` opens it, `#5 1.211 text` is what it
prints, `#5 DONE 0.3s`, `#5 CACHED` or `#5 ERROR: text` end it. Read from the CLIs 20.10 and 26.1 with buildx 0.13.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_LINE = re.compile(r"^#(\d+) (.*)$")
_STEP = re.compile(r"^\[(?:(.+?) +)?(\d+)/(\d+)\] (.*)$")
_FETCH = re.compile(r"^(?:\[internal\] load metadata|resolve image config) for (?:docker-image://)?(\S+)$")
"""The second is of the frontend that a `# syntax=` line names."""
_PRINTED = re.compile(r"^\d+\.\d+ (.*)$")
_FINAL_ERROR = re.compile(r"^(?:ERROR: )?(failed to solve.*)$")
_EXIT_CODE = re.compile(r"^.*: (exit code: \d+)$", re.DOTALL)
_UNNAMED_STAGE = re.compile(r"^stage-\d+$")

_KEPT_LINES = 50
_LONGEST_STEP = 100


@dataclass(frozen=True)
class BuildFailure:
    """`step` is what failed (`2/4: RUN make`, empty before the first), `output` its last lines, `error` Docker's words.

    `missing_image` is set when a FROM could not be found here and not be pulled either.
    """

    step: str = ""
    output: tuple[str, ...] = ()
    error: str = ""
    missing_image: str = ""


@dataclass
class BuildOutput:
    """Fed line by line."""

    _titles: dict[str, str] = field(default_factory=dict)
    _printed: dict[str, deque[str]] = field(default_factory=dict)
    _running: list[str] = field(default_factory=list)
    _failed: str = ""
    _error: str = ""
    _last: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LINES))

    def feed(self, raw: str) -> str:
        """What a person should see of this line: `Step 2/4: RUN make`, or the empty string."""
        line = _ESCAPES.sub("", raw).rstrip()
        match = _LINE.match(line)
        if not match:
            self._note_end(line)
            return ""
        number, text = match[1], match[2]
        if printed := _PRINTED.match(text):
            self._printed.setdefault(number, deque(maxlen=_KEPT_LINES)).append(printed[1])
            return ""
        if text == "CACHED" or text.startswith("DONE "):
            self._running = [other for other in self._running if other != number]
            return ""
        if text.startswith("ERROR: ") and not self._failed:
            self._failed = number
            self._error = text.removeprefix("ERROR: ")
            return ""
        if number not in self._titles:  # a vertex begins with its title
            self._titles[number] = text
            self._running.append(number)
            return _step(text)
        return ""

    def _note_end(self, line: str) -> None:
        if line:
            self._last.append(line)
        if not self._error and (final := _FINAL_ERROR.match(line)):
            self._error = final[1]

    def failure(self) -> BuildFailure:
        """Why the build failed, as far as it said so; of one that was stopped, the step that was under way."""
        number = self._failed or (self._running[-1] if self._running else "")
        title = self._titles.get(number, "")
        fetched = _FETCH.match(title)
        return BuildFailure(
            step=_step(title).removeprefix("Step "),
            output=tuple(self._printed.get(number, ())),
            # "executor failed running [the command again]: exit code: 100" tells no more than its end.
            error=_EXIT_CODE.sub(r"\1", self._error or "\n".join(self._last)),
            missing_image=_familiar(fetched[1]) if fetched and self._failed else "",
        )


def _step(title: str) -> str:
    """`Step 2/4: RUN make`, with the stage's name when it has one; nothing for BuildKit's own chores."""
    match = _STEP.match(title)
    if not match:
        return ""
    stage, number, count, text = match.groups()
    named = f"{stage} " if stage and not _UNNAMED_STAGE.match(stage) else ""
    text = " ".join(_familiar(text).split())
    if len(text) > _LONGEST_STEP:
        text = text[: _LONGEST_STEP - 1] + "…"
    return f"Step {named}{number}/{count}: {text}"


def _familiar(text: str) -> str:
    """Image names as people write them."""
    return text.replace("docker.io/library/", "").replace("docker.io/", "")

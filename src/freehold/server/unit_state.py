"""How systemd's units stand, as `systemctl show` tells it (pure)."""

from __future__ import annotations

from dataclasses import dataclass

PROPERTIES = "Id,LoadState,ActiveState,SubState,Result,NRestarts"


@dataclass(frozen=True)
class UnitState:
    """`result` is how it ended last: `success`, `exit-code`, `oom-kill` ..."""

    unit: str
    active: str
    sub: str
    result: str
    restarts: int

    @property
    def words(self) -> str:
        """`running`, `failed (exit-code)`, `running, 3 restarts`."""
        text = self.sub if self.active == "active" else self.active
        if self.result not in ("", "success"):
            text += f" ({self.result})"
        return f"{text}, {self.restarts} restart{'s' * (self.restarts != 1)}" if self.restarts else text


def show_words(*patterns: str) -> tuple[str, ...]:
    """The command. Of a pattern it tells the units that are loaded; `is-active` would race with restarts."""
    return ("systemctl", "show", "--no-pager", f"--property={PROPERTIES}", "--", *patterns)


def read_unit_states(text: str) -> dict[str, UnitState]:
    """By unit; one that there is not is left out."""
    found = {}
    for block in text.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        unit = values.get("Id", "")
        if unit and values.get("LoadState") != "not-found":
            restarts = values.get("NRestarts", "")
            found[unit] = UnitState(
                unit,
                values.get("ActiveState", ""),
                values.get("SubState", ""),
                values.get("Result", ""),
                int(restarts) if restarts.isdigit() else 0,
            )
    return found

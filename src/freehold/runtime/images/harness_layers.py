"""The harnesses that are not builtin: what is installed for each, and how it is started to speak ACP.

Versions are those of `harnesses/<name>/package-lock.json`, for amd64 and arm64. Each was started in its image, without
a network, and answered `initialize` (`tests/real/images/test_harness_images.py`). Sizes: the layer alone, on amd64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_PROGRAMS: Final = "/opt/harness/node_modules/.bin"


@dataclass(frozen=True)
class HarnessLayer:
    """`version` is the tag of its image; `command` starts it inside, speaking ACP on its standard streams."""

    name: str
    version: str
    command: tuple[str, ...]
    size_mb: int


HARNESS_LAYERS: dict[str, HarnessLayer] = {
    layer.name: layer
    for layer in (
        # The adapter over Anthropic's agent SDK. It wants Node.js 22 or newer, and Debian 13 has 20: it brings its own.
        HarnessLayer("claude-code", "0.100.0", (f"{_PROGRAMS}/node", f"{_PROGRAMS}/claude-agent-acp"), 480),
        # The adapter over codex's app server, which it brings.
        HarnessLayer("codex", "2.6.0", ("/usr/bin/node", f"{_PROGRAMS}/codex-acp"), 475),
        # The build that needs no AVX2: small servers do not always have it.
        HarnessLayer("opencode", "1.18.18", (f"{_PROGRAMS}/opencode", "acp"), 184),
        HarnessLayer("gemini", "0.61.0", ("/usr/bin/node", f"{_PROGRAMS}/gemini", "--acp"), 102),
    )
}

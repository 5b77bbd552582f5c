"""The files of a new agent, to be filled in by a person."""

from __future__ import annotations

import json

from freehold.project.agent_config import CONFIG_FILE, SKILL_FILE


def agent_files(name: str, description: str, model: str) -> dict[str, str]:
    """Path → text."""
    return {SKILL_FILE: _skill(name, description), CONFIG_FILE: _config(model)}


def _skill(name: str, description: str) -> str:
    # A JSON string is a YAML string too: nothing in a description can break out of it.
    told = json.dumps(description or "Say here what the agent does and when it is of use.", ensure_ascii=False)
    return f"""\
---
name: {name}
description: {told}
---
# {name}

Tell the agent here what to do, step by step, and how to see that it is done.

What a command prints can be put in by !`date -u`; it is run when a run starts. `fh return TEXT` hands back a result.
"""


def _config(model: str) -> str:
    return f"""\
models = [{json.dumps(model, ensure_ascii=False)}]

# What the agent is given, and nothing else; `freehold creds types` lists what there is.
# credentials = ["github_token"]

# Hosts that it may reach besides the package registries and those of its credentials.
# egress = ["api.example.com"]

# When it runs by itself: minute, hour, day, month, weekday.
# schedule = "0 9 * * 1"

# [budget]
# usd_per_run = 0.50
"""

"""Where this freehold was installed from: a job that takes it from elsewhere may find none there, or another one."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, distribution


def installed_from() -> str:
    """The address of the folder, archive or repository; empty where it came from a package index (PEP 610)."""
    try:
        text = distribution("freehold").read_text("direct_url.json")
        return str(json.loads(text)["url"]) if text else ""
    except (PackageNotFoundError, ValueError, KeyError, TypeError):
        return ""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files

from freehold.console.assets_folder import VENDORED, assets

ASSETS = files("freehold.console") / "assets"


def test_what_is_vendored_is_what_its_note_says() -> None:
    readme = (ASSETS / "vendor/README.md").read_text()
    noted = dict(re.findall(r"\| `([\w.-]+\.(?:js|css))` \|.*?\| `([0-9a-f]{64})`", readme))
    there = {name.rpartition("/")[2]: hashlib.sha256((ASSETS / name).read_bytes()).hexdigest() for name in VENDORED}
    assert noted == there


def test_a_name_says_the_content() -> None:
    for name, asset in assets().items():
        assert asset.content == ASSETS.joinpath(*name.split("/")).read_bytes()
        assert hashlib.sha256(asset.content).hexdigest()[:12] in asset.address


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_every_text_can_be_read() -> None:
    """4.5 to 1 or better, in both schemes (WCAG 2.2, 1.4.3); borders of what can be used 3 to 1 (1.4.11)."""
    css = (ASSETS / "console.css").read_text()
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    read = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in (light, dark)]
    for scheme in (read[0], {**read[0], **read[1]}):
        pairs = [(text, ground) for text in ("text", "quiet", "link") for ground in ("ground", "sheet", "code-ground")]
        pairs += [(word, f"{word}-ground") for word in ("good", "bad", "wait", "busy", "still")]
        pairs += [("on-accent", "accent"), ("text", "bad-ground"), ("text", "wait-ground"), ("bad", "sheet")]
        pairs += [("quiet", "wait-ground"), ("text", "still-ground"), ("text", "good-ground")]
        for text, ground in pairs:
            assert _contrast(scheme[text], scheme[ground]) >= 4.5, (text, ground)
        assert _contrast(scheme["strong-line"], scheme["sheet"]) >= 3

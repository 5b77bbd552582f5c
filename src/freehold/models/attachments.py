"""The images and documents that a request carries in itself, found where each format puts them and nowhere else (pure).

They count far less than their bytes, so whatever could pass for one would be text that no budget sees: what stands in
another place than these (in the arguments of a tool, in a text, in an object that no provider reads) is text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from freehold.models.nodes import Json, provider_nodes
from freehold.project.wire_formats import WireFormat

_KINDS = ("image/", "audio/", "video/", "application/pdf")
_DATA_URL = re.compile(r"data:(?:image/|audio/|video/|application/pdf)[\w.+-]*(?:;[\w.+=-]+)*;base64,")
_LONGEST_HEAD = 200


def attachments(wire_format: WireFormat, body: Json) -> list[str]:
    """Their contents: base64, with the head of its `data:` address where it has one."""
    read = _READERS[wire_format]
    found = (read(node) for node in provider_nodes(wire_format, body))
    return [content for content in found if content]


def _anthropic(node: Json) -> str:
    """`{type: image|document, source: {type: base64, media_type, data}}`"""
    source = _table(node.get("source"))
    if node.get("type") not in ("image", "document") or source.get("type") != "base64":
        return ""
    return _attached(source.get("media_type"), source.get("data"))


def _chat(node: Json) -> str:
    """`{type: image_url, image_url: {url}}`, `{type: file, file: {file_data}}`"""
    if node.get("type") == "image_url":
        image = node.get("image_url")
        return _data_url(image.get("url") if isinstance(image, dict) else image)
    return _data_url(_table(node.get("file")).get("file_data")) if node.get("type") == "file" else ""


def _responses(node: Json) -> str:
    """`{type: input_image, image_url}`, `{type: input_file, file_data}`; screenshots of a computer"""
    if node.get("type") in ("input_image", "computer_screenshot"):
        return _data_url(node.get("image_url"))
    return _data_url(node.get("file_data")) if node.get("type") == "input_file" else ""


def _google(node: Json) -> str:
    """`{inlineData: {mimeType, data}}`, in either spelling"""
    data = _table(node.get("inlineData") or node.get("inline_data"))
    return _attached(data.get("mimeType") or data.get("mime_type"), data.get("data"))


def _attached(kind: object, data: object) -> str:
    return data if isinstance(kind, str) and kind.startswith(_KINDS) and isinstance(data, str) else ""


def _data_url(value: object) -> str:
    return value if isinstance(value, str) and _DATA_URL.match(value, 0, _LONGEST_HEAD) else ""


def _table(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


_READERS: dict[WireFormat, Callable[[Json], str]] = {
    WireFormat.ANTHROPIC_MESSAGES: _anthropic,
    WireFormat.OPENAI_CHAT: _chat,
    WireFormat.OPENAI_RESPONSES: _responses,
    WireFormat.GOOGLE: _google,
}

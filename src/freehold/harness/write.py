"""The tool `write`: a whole file."""

from __future__ import annotations

from typing import Any

from freehold.harness.tool import Place, ToolError, schema_of


class Write:
    name = "write"
    description = "Write a whole file, making its folders; what was in it is replaced."
    schema = schema_of({"path": {"type": "string"}, "content": {"type": "string"}}, "path", "content")
    kind = "edit"
    changes = True

    def title(self, arguments: dict[str, Any]) -> str:
        return f"Write {arguments.get('path', '')}"

    async def run(self, arguments: dict[str, Any], place: Place) -> str:
        path = place.file(str(arguments.get("path", "")))
        content = arguments.get("content")
        if not isinstance(content, str):
            raise ToolError("`content` must be a text")
        data = content.encode("utf-8", "surrogatepass")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            raise ToolError(f"{path}: {error.strerror}") from error
        return f"wrote {len(data)} bytes to {path}"

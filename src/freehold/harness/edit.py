"""The tool `edit`: one piece of a file replaced by another, and every other byte left as it is."""

from __future__ import annotations

from typing import Any

from freehold.harness.tool import Place, ToolError, schema_of

LARGEST_FILE_BYTES = 32 * 1024 * 1024


class Edit:
    name = "edit"
    description = (
        "Replace `old` by `new` in a file. `old` must be there exactly once, white space included, "
        "unless `all` is true, which replaces every one."
    )
    schema = schema_of(
        {
            "path": {"type": "string"},
            "old": {"type": "string", "description": "The text to replace, exactly as it is in the file"},
            "new": {"type": "string"},
            "all": {"type": "boolean"},
        },
        "path",
        "old",
        "new",
    )
    kind = "edit"
    changes = True

    def title(self, arguments: dict[str, Any]) -> str:
        return f"Edit {arguments.get('path', '')}"

    async def run(self, arguments: dict[str, Any], place: Place) -> str:
        path = place.file(str(arguments.get("path", "")))
        old, new = arguments.get("old"), arguments.get("new")
        if not isinstance(old, str) or not isinstance(new, str) or not old:
            raise ToolError("`old` and `new` must be texts, and `old` not empty; a new file is made with `write`")
        try:
            if path.stat().st_size > LARGEST_FILE_BYTES:
                raise ToolError(f"{path} is larger than {LARGEST_FILE_BYTES >> 20} MB; use sed")
            data = path.read_bytes()
            changed, count = replace(data, old, new, every=arguments.get("all") is True)
            path.write_bytes(changed)
        except OSError as error:
            raise ToolError(f"{path}: {error.strerror}") from error
        return f"replaced {count} of {count} in {path}" if count > 1 else f"edited {path}"


def replace(data: bytes, old: str, new: str, *, every: bool) -> tuple[bytes, int]:
    """The changed bytes, and how many places were changed. Raises `ToolError` unless there is one place, or `every`.

    Works on bytes, so that a file that is not UTF-8 keeps what it holds. Where lines end with CR LF, a text with LF
    alone is found, and put in, with CR LF.
    """
    wanted, instead = (text.encode("utf-8", "surrogatepass") for text in (old, new))
    if b"\r\n" in data and b"\r\n" not in wanted and wanted not in data:
        wanted, instead = (text.replace(b"\n", b"\r\n") for text in (wanted, instead))
    count = data.count(wanted)
    if count == 0:
        raise ToolError("`old` is not in the file; read it again, and copy the text exactly")
    if count > 1 and not every:
        raise ToolError(f"`old` is in the file {count} times; add lines around it until it is there once, or set `all`")
    return data.replace(wanted, instead), count

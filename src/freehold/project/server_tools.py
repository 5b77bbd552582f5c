"""Provider-side tools: what a provider may be asked to do beyond answering; refused unless `server_tools` lists it."""

from __future__ import annotations

from freehold.project.problems import Reporter, unknown

SERVER_TOOLS: dict[str, str] = {
    "web_search": "the provider searches the web",
    "web_fetch": "the provider fetches pages that the model names",
    "url_input": "the provider fetches images and files by their address",
    "remote_mcp": "the provider calls MCP servers",
    "code_execution": "the provider runs code in a container of its own",
    "computer_use": "the model is given tools that steer a screen or a browser",
    "file_search": "the provider searches files that were stored with it",
    "image_generation": "the provider makes images, at a price of their own",
    "maps": "the provider asks its maps",
    "advisor": "the provider asks another model, at a price of its own",
    "stored_context": "the provider adds conversations, prompts, caches or files that it keeps for the account",
}
"""The names that `server_tools` may hold, and what each allows."""


def server_tools_of(names: list[str], report: Reporter) -> tuple[str, ...]:
    """The names that there are, each once; the others are reported."""
    for index, name in enumerate(names):
        if name not in SERVER_TOOLS:
            report.error(("server_tools", index), unknown("server tool", name, SERVER_TOOLS))
    return tuple(dict.fromkeys(name for name in names if name in SERVER_TOOLS))

"""The search on the web that clients may ask the server for as a tool. Here is none, and that is told.

The model is offered the tool all the same; else it would make results up. Source: http-api.md 6.6.4, 7.5.
"""

from __future__ import annotations

from collections.abc import Iterable

from corral.core.messages import Tool, ToolCall, parse_tool
from corral.errors import CorralError, SearchUnavailable

SEARCH = "web_search"
_FUNCTION = {
    "name": SEARCH,
    "description": "Search the web for current information.",
    "parameters": {
        "type": "object",
        "properties": {"query": {"type": "string", "description": "What to search for"}},
        "required": ["query"],
    },
}


def with_search(tools: Iterable[Tool]) -> tuple[Tool, ...]:
    """`tools` and the search, which takes the place of a function of its name."""
    return (
        *(tool for tool in tools if tool.name != SEARCH),
        parse_tool({"type": "function", "function": _FUNCTION}),
    )


def search_error(call: ToolCall) -> CorralError:
    """Why a call of the search has no result."""
    if not search_query(call):
        return SearchUnavailable("web_search requires a non-empty string query")
    return SearchUnavailable("web_search is not available: this server cannot search the web")


def search_query(call: ToolCall) -> str:
    """What a call of the search asks for; empty where it asks for nothing."""
    query = call.arguments.get("query")
    return query.strip() if isinstance(query, str) else ""

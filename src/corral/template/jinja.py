"""What the Jinja chat template inside a GGUF reveals, by the reference's search for known words.

Source: modelfile specification, sections 9 and 13.
"""

from __future__ import annotations

_TOOL_WORDS = ("tools", "tool_call")
_SPLITS = ("content.split('</think>')", 'content.split("</think>")')
_OWN_REASONING = ("reasoning_content", "<SPECIAL_12>")
_CALLS = ("tool_calls", "assistant_tool_call")
_QUOTES = ("'", '"')
_RESULTS = (
    "tool_response",
    "tool_results",
    "ipython",
    *(f"role{key}] == {value}tool{value}" for key in _QUOTES for value in _QUOTES),
    *(f"message.role == {value}tool{value}" for value in _QUOTES),
)


def _has_any(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)


def jinja_has_tools(text: str) -> bool:
    """Whether the template can show tools to the model."""
    return _has_any(text, _TOOL_WORDS)


def jinja_has_thinking(text: str) -> bool:
    """Whether the template knows thinking marked by `<think>` tags."""
    if "<think>" in text and "</think>" in text:
        return True
    return _has_any(text, _SPLITS) and not _has_any(text, _OWN_REASONING)


def jinja_has_tool_round_trip(text: str) -> bool:
    """Whether the template also shows tool calls and their results to the model."""
    return jinja_has_tools(text) and _has_any(text, _CALLS) and _has_any(text, _RESULTS)

"""One streamed answer on the terminal: thinking set apart, text wrapped, tool calls named.

Used by one-shot `run` and by the chat. Source: cli.md 19.3 and 19.5.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from corral.cli.progress import Display
from corral.cli.terminal import BOLD, GREY, RESET, is_terminal, size
from corral.cli.wrap import Wrapper
from corral.core.units import go_duration


@dataclass(frozen=True, slots=True)
class Style:
    """How answers are shown."""

    wrap: bool = True
    show_thinking: bool = True
    verbose: bool = False


class Answer:
    """What has been received of one answer, which is printed on the way."""

    def __init__(self, style: Style) -> None:
        self.text = ""
        self.thinking = ""
        self.stats: Mapping[str, Any] = {}
        self.complete = False
        self._style = style
        self._coloured = is_terminal(sys.stdout)
        self._in_thinking = False
        self._wrapper = self._new_wrapper()

    def show(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Print the records of /api/generate or /api/chat; a spinner turns until the first text.

        When this is interrupted, what has come so far stays in `text` and `thinking`.
        """
        waiting: Display | None = (display := Display())
        display.spinner()
        try:
            for record in records:
                if waiting is not None and _says_something(record):
                    waiting.clear()
                    waiting = None
                self._show_record(record)
        finally:
            if waiting is not None:
                waiting.clear()
            if self._in_thinking:
                self._end_thinking()
            sys.stdout.flush()

    def show_stats(self) -> None:
        """Counts and durations on stderr, where they are asked for."""
        if self._style.verbose:
            sys.stdout.flush()
            print(stats_text(self.stats), end="", file=sys.stderr)

    def _show_record(self, record: Mapping[str, Any]) -> None:
        part = record.get("message") or record
        self._show_thinking(part.get("thinking") or "")
        self._show_text(part.get("content") or part.get("response") or "")
        for call in part.get("tool_calls") or ():
            self._show_call(call.get("function") or {})
        if record.get("done"):
            self.stats, self.complete = record, True
        sys.stdout.flush()

    def _show_thinking(self, text: str) -> None:
        self.thinking += text
        if not text or not self._style.show_thinking:
            return
        if not self._in_thinking:
            self._in_thinking = True
            start = f"{GREY}{BOLD}Thinking...\n{RESET}{GREY}" if self._coloured else "Thinking...\n"
            sys.stdout.write(start)
            self._wrapper = self._new_wrapper()
        self._wrapper.feed(text)

    def _show_text(self, text: str) -> None:
        if text and self._in_thinking:
            self._end_thinking()
        self.text += text
        if text:
            self._wrapper.feed(text)

    def _end_thinking(self) -> None:
        self._in_thinking = False
        newline = "" if self.thinking.endswith("\n") else "\n"
        end = "...done thinking.\n\n"
        sys.stdout.write(newline + (f"{GREY}{BOLD}{end}{RESET}" if self._coloured else end))
        self._wrapper = self._new_wrapper()

    def _show_call(self, function: Mapping[str, Any]) -> None:
        arguments = json.dumps(function.get("arguments") or {}, ensure_ascii=False)
        name = function.get("name", "")
        line = f"  Model called a non-existent function '{name}()' with arguments: {arguments}"
        sys.stdout.write(f"{GREY}{BOLD}{line}\n{RESET}" if self._coloured else f"{line}\n")

    def _new_wrapper(self) -> Wrapper:
        wraps = self._style.wrap and self._coloured
        return Wrapper(sys.stdout.write, size(sys.stdout)[0] if wraps else 0)


def _says_something(record: Mapping[str, Any]) -> bool:
    part = record.get("message") or record
    return any(part.get(key) for key in ("response", "content", "thinking", "tool_calls"))


def stats_text(record: Mapping[str, Any]) -> str:
    """The block of --verbose: only what was measured."""
    lines = [
        (f"{title} duration", go_duration(nanoseconds / 1e9))
        for title in ("total", "load")
        if (nanoseconds := record.get(f"{title}_duration"))
    ]
    for title in ("prompt eval", "eval"):
        key = title.replace(" ", "_")
        count, nanoseconds = record.get(f"{key}_count"), record.get(f"{key}_duration")
        if count:
            lines.append((f"{title} count", f"{count} token(s)"))
        if nanoseconds:
            lines.append((f"{title} duration", go_duration(nanoseconds / 1e9)))
            lines.append((f"{title} rate", f"{(count or 0) / (nanoseconds / 1e9):.2f} tokens/s"))
    return "".join(f"{title + ':':<21} {value}\n" for title, value in lines)

"""One streamed answer on the terminal: thinking set apart, text wrapped or rendered, tool calls named.

Used by one-shot `run` and by the chat. Source: cli.md 19.3 and 19.5.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from corral.cli.answer.thoughts import Thoughts, new_thoughts
from corral.cli.answer.wrap import Wrapper
from corral.cli.client import Client
from corral.cli.loading import waiting
from corral.cli.terminal import BOLD, GREY, RESET, is_terminal, printable, quiet_keys, size
from corral.core.units import go_duration
from corral.errors import CorralError

if TYPE_CHECKING:
    from corral.cli.answer.markdown import MarkdownWriter


Thinking = Literal["show", "fold", "hide"]


@dataclass(frozen=True, slots=True)
class Style:
    """How answers are shown. Without `wrap`, or with `markdown` off, text is printed as it comes."""

    wrap: bool = True
    markdown: bool = True
    thinking: Thinking = "show"
    verbose: bool = False


class Answer:
    """What has been received of one answer, which is printed on the way."""

    def __init__(self, style: Style) -> None:
        self.text = ""
        self.thinking = ""
        self.stats: Mapping[str, Any] = {}
        self.complete = False
        self._style = style
        self._on_terminal = is_terminal(sys.stdout) and os.environ.get("TERM") != "dumb"
        self._thoughts: Thoughts | None = None
        self._writer = self._new_writer()

    def show(self, records: Iterable[Mapping[str, Any]], client: Client | None = None) -> None:
        """Print the records of /api/generate or /api/chat; a spinner turns until the first text.

        With a `client`, a load that takes long is shown meanwhile. When this is interrupted, what has come
        so far stays in `text` and `thinking`. Raises CorralError when the records end too soon.
        """
        with quiet_keys() if self._on_terminal else nullcontext():
            try:
                rest = iter(records)
                for record in chain(self._wait(rest, client), rest):
                    self._show_record(record)
                if not self.complete:
                    raise CorralError("the answer broke off: the server closed the connection")
            finally:
                if isinstance(records, Generator):
                    records.close()  # an answer that was stopped must cost the server nothing more
                self._end_thinking()
                self._writer.finish()
                sys.stdout.flush()

    def _wait(self, records: Iterator[Mapping[str, Any]], client: Client | None) -> list[Mapping[str, Any]]:
        """The records up to the first that says something."""
        found: list[Mapping[str, Any]] = []
        with waiting(client):
            for record in records:
                found.append(record)
                if _says_something(record):
                    break
        return found

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
        if not text:
            return
        if self._thoughts is None:
            self._thoughts = new_thoughts(self._style.thinking, self._new_wrapper(), dimmed=self._on_terminal)
        self._thoughts.feed(self._safe(text))

    def _show_text(self, text: str) -> None:
        self.text += text
        if text:
            self._end_thinking()
            self._writer.feed(self._safe(text))

    def _end_thinking(self) -> None:
        if self._thoughts is not None:
            self._thoughts.end()
            self._thoughts = None

    def _show_call(self, function: Mapping[str, Any]) -> None:
        self._end_thinking()
        arguments = json.dumps(function.get("arguments") or {}, ensure_ascii=False)
        name = self._safe(str(function.get("name", "")))
        line = f"  Model called a non-existent function '{name}()' with arguments: {arguments}"
        sys.stdout.write(f"{GREY}{BOLD}{line}\n{RESET}" if self._on_terminal else f"{line}\n")

    def _safe(self, text: str) -> str:
        """A model must not steer the terminal; programs get each byte."""
        return printable(text) if self._on_terminal else text

    def _new_wrapper(self) -> Wrapper:
        wraps = self._style.wrap and self._on_terminal
        return Wrapper(sys.stdout.write, lambda: size(sys.stdout)[0] if wraps else 0)

    def _new_writer(self) -> Wrapper | MarkdownWriter:
        if not (self._on_terminal and self._style.wrap and self._style.markdown):
            return self._new_wrapper()
        from corral.cli.answer.markdown import MarkdownWriter  # not needed where output is no terminal

        return MarkdownWriter(sys.stdout.write, lambda: size(sys.stdout))


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
    if guessed := record.get("guessed_count"):
        lines.append(("guessed ahead", f"{guessed} token(s), {record.get('guessed_right_count', 0)} right"))
    if limit := record.get("prompt_limit"):
        dropped = record.get("truncated_messages", 0)
        what = f"the {dropped} oldest message(s)" if dropped else "the middle of the prompt"
        lines.append(("left out", f"{what}, to fit {limit} tokens"))
    return "".join(f"{title + ':':<21} {value}\n" for title, value in lines)

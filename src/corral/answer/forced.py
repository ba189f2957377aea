"""An answer that can only be one tool call: what a grammar held the model to."""

from __future__ import annotations

import json
from collections.abc import Sequence

from corral.answer.parser import Holder, Logprobs, new_call_id
from corral.core.events import Event, Text, ToolCalls
from corral.core.messages import ToolCall


class ForcedCallParser(Holder):
    """Reads `{"name": ..., "arguments": {...}}`, with or without the model's own marks around it.

    The call is given at the end. One that was cut off by the limit of tokens is given as text: it is no call.
    """

    tags: Sequence[str] = ()

    def feed(self, text: str, logprobs: Logprobs = ()) -> list[Event]:
        self._hold(text)
        return []

    def finish(self) -> list[Event]:
        try:
            found, _ = json.JSONDecoder().raw_decode(self._held, self._held.index("{"))
        except ValueError:
            return [Text(self._held)] if self._held else []
        return [ToolCalls((ToolCall(found["name"], found["arguments"], new_call_id()),))]

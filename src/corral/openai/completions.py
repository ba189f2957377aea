"""Events as text completions. Source: http-api.md 6.3; log-probabilities as OpenAI's API has them."""

from __future__ import annotations

from collections.abc import Sequence

from corral.core import gojson
from corral.core.events import Done, Event, Text, TokenLogprob, Usage
from corral.openai.choices import ChoiceWriter, Record
from corral.openai.replies import FINGERPRINT, now, usage_record
from corral.wire import sse

_NO_USAGE = Usage()


class CompletionWriter(ChoiceWriter):
    """One completion. Reasoning is not shown."""

    _prefix = "cmpl-"

    def __init__(self, model: str, *, include_usage: bool = False, num_choices: int = 1) -> None:
        super().__init__(model, include_usage=include_usage, num_choices=num_choices)
        # Characters written so far, for each choice.
        self._offsets = [0] * num_choices

    def _choice(self, index: int, events: Sequence[Event]) -> Record:
        done = next((event for event in events if isinstance(event, Done)), Done(""))
        texts = [event for event in events if isinstance(event, Text)]
        return self._part(
            index,
            "".join(text.text for text in texts),
            [entry for text in texts for entry in text.logprobs],
            done.reason,
        )

    def _record(self, choices: Sequence[Record]) -> Record:
        head = self._head() | {"model": self.model, "system_fingerprint": FINGERPRINT}
        return head | {"choices": list(choices)}

    def _written(self, index: int, event: Event) -> bytes:
        if isinstance(event, Done):
            return self._chunk([self._part(index, "", (), event.reason)])
        if isinstance(event, Text):
            return self._chunk([self._part(index, event.text, event.logprobs)])
        return self._chunk([self._part(index, "", ())])

    def _usage_chunk(self, usage: Usage) -> bytes:
        return self._chunk([], usage)

    def _chunk(self, choices: list[Record], usage: Usage = _NO_USAGE) -> bytes:
        record = self._head() | {"choices": choices, "model": self.model, "system_fingerprint": FINGERPRINT}
        if self.include_usage:
            record["usage"] = usage_record(usage)
        return sse.event(gojson.encode(record))

    def _head(self) -> Record:
        return {"id": self.id, "object": "text_completion", "created": now()}

    def _part(self, index: int, text: str, logprobs: Sequence[TokenLogprob], reason: str = "") -> Record:
        choice: Record = {"text": text, "index": index, "finish_reason": reason or None}
        if logprobs:
            choice["logprobs"] = _logprob_record(logprobs, self._offsets[index])
        self._offsets[index] += len(text)
        return choice


def _logprob_record(entries: Sequence[TokenLogprob], offset: int) -> Record:
    """Four lists of equal length; `offset` is where the first token begins in the text."""
    offsets = []
    for entry in entries:
        offsets.append(offset)
        offset += len(entry.token)
    return {
        "tokens": [entry.token for entry in entries],
        "token_logprobs": [entry.logprob for entry in entries],
        "top_logprobs": [{other.token: other.logprob for other in entry.top} for entry in entries],
        "text_offset": offsets,
    }

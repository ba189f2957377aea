"""What one request on the road takes: waiting, tokens, the pace of its answer. Told to whoever observes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

from corral.core.events import Done, Event, Text, Thinking
from corral.errors import Cancelled
from corral.scheduler import Lease

Kind = Literal["generate", "chat", "embed", "rerank", "count", "tokenize"]
# Told of each batch of events: the seconds since the one before, None for the first, and its pieces of text.
Pace = Callable[[float | None, int], None]
# `left`: the client went away, or the request was withdrawn, before the end.
Result = Literal["ok", "error", "left"]


class Observer(Protocol):
    """Who keeps the books. Both methods are called in the task that serves the request."""

    def pace(self, model: str) -> Pace:
        """Where to tell how an answer of this model goes on."""

    def ended(self, meter: Meter) -> None:
        """A request is over; called once for each."""


class Meter:
    """Counts of tokens, and seconds since the request came: None until the moment is there.

    `queue_s` is how long it waited until its model was loaded, `slot_s` how long then for a slot, `first_s`
    when the first event was there, `decode_s` how long the engine wrote, `end_s` the whole. `model` is the
    name that the request resolved to.
    """

    def __init__(self, kind: Kind, observer: Observer | None = None) -> None:
        self.kind = kind
        self.model = ""
        self.result: Result = "ok"
        self.prompt_tokens = 0
        self.cached_tokens = 0
        self.completion_tokens = 0
        self.guessed_tokens = 0
        self.right_tokens = 0
        self.queue_s: float | None = None
        self.slot_s: float | None = None
        self.first_s: float | None = None
        self.end_s: float | None = None
        self.decode_s = 0.0
        self._began = self._latest = time.monotonic()
        self._observer = observer
        self._pace: Pace = _nowhere
        self._done = False

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._began

    def leased(self, lease: Lease) -> None:
        self.queue_s, self.slot_s = lease.load_s, lease.wait_s
        if self._observer is not None:
            self._pace = self._observer.pace(self.model)

    def prefilled(self, prompt_tokens: int, cached_tokens: int) -> None:
        """What is known of the prompt before the answer is complete."""
        self.prompt_tokens, self.cached_tokens = prompt_tokens, cached_tokens

    def batch(self, events: Iterable[Event]) -> None:
        """Events of the answer that came together; the last of all is a Done with the true counts."""
        now = time.monotonic()
        gap_s = now - self._latest if self.first_s is not None else None
        if self.first_s is None:
            self.first_s = now - self._began
        self._latest = now
        num_pieces = 0
        for event in events:
            if isinstance(event, (Text, Thinking)):
                num_pieces += 1
            elif isinstance(event, Done):
                self._complete(event)
        if not self._done:
            self.completion_tokens += num_pieces
        self._pace(gap_s, num_pieces)

    def loaded(self) -> None:
        """The request only wanted its model loaded, or to see its prompt."""
        self._done = True

    def failed(self, error: BaseException) -> None:
        """Cancellation is the client's leave, whatever form it takes."""
        self.result = "error" if isinstance(error, Exception) and not isinstance(error, Cancelled) else "left"

    @contextmanager
    def watching(self) -> Iterator[Meter]:
        """For a request that is over when the block is."""
        try:
            yield self
            self._done = True
        except BaseException as error:
            self.failed(error)
            raise
        finally:
            self.end()

    def end(self) -> None:
        """Tell the observer; a second call does nothing."""
        if self.end_s is not None:
            return
        self.end_s = self.elapsed_s
        if not self._done and self.result == "ok":
            self.result = "left"
        if self._observer is not None:
            self._observer.ended(self)

    def _complete(self, done: Done) -> None:
        self._done = True
        usage = done.usage
        self.prompt_tokens, self.cached_tokens = usage.prompt_tokens, usage.cached_tokens
        self.guessed_tokens, self.right_tokens = usage.guessed_tokens, usage.right_tokens
        self.completion_tokens, self.decode_s = usage.completion_tokens, usage.decode_s


def _nowhere(gap_s: float | None, num_pieces: int) -> None:
    """Nobody listens."""

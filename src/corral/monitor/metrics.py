"""What is counted. Page: docs/metrics.md, which lists every name."""

from __future__ import annotations

from collections.abc import Iterator

from corral.cache import SavedStates
from corral.monitor.measures import Measure, Tally, Timing
from corral.scheduler import Scheduler
from corral.serving.meter import Meter, Pace

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NOT_ROUTED = "other"


class Metrics:
    """The counts of one server. Labels come from routes, models in the store and keys, so they stay few."""

    def __init__(self, scheduler: Scheduler, saved: SavedStates | None = None) -> None:
        self.scheduler = scheduler
        self.saved = saved
        self.in_progress = 0
        self._requests = Tally("corral_http_requests", "Requests", "route", "method", "status")
        self._request_s = Timing("corral_http_request_seconds", "Time to the end of the answer", "route")
        self._refusals = Tally("corral_refusals", "Requests refused for their key", "reason")
        self._answers = Tally(
            "corral_answers", "Answers of models, each choice of a request", "kind", "model", "result"
        )
        self._prompt = Tally("corral_prompt_tokens", "Tokens of prompts", "model")
        self._cached = Tally("corral_cached_prompt_tokens", "Those of them that were in the cache", "model")
        self._hits = Tally("corral_prompt_cache_hits", "Prompts of which a part was in the cache", "model")
        self._completion = Tally("corral_completion_tokens", "Tokens of answers", "model")
        self._written = Tally("corral_written_tokens", "The same, counted while they are written", "model")
        self._guessed = Tally("corral_guessed_tokens", "Tokens that were guessed ahead", "model")
        self._right = Tally("corral_right_guesses", "Those of them that were right", "model")
        self._first_s = Timing("corral_first_token_seconds", "From a request to its first token", "model")
        self._inter_s = Timing("corral_inter_token_seconds", "From one batch of tokens to the next", "model")
        self._wait_s = Timing("corral_queue_wait_seconds", "Wait for a load, or for a slot", "model", "stage")
        self._key_requests = Tally("corral_key_requests", "Requests that reached a model, by key", "key")
        self._key_tokens = Tally("corral_key_tokens", "Tokens by key", "key", "kind")

    def measures(self) -> Iterator[Measure]:
        """All of them, in the order in which they are defined."""
        return (value for value in vars(self).values() if isinstance(value, (Tally, Timing)))

    def hit_ratios(self) -> dict[str, float]:
        """By model the part of all tokens of prompts that the cache had."""
        totals = {model: count for (model,), count in self._prompt.counts.items() if count}
        return {model: self._cached.counts[model,] / total for model, total in totals.items()}

    def began(self) -> None:
        self.in_progress += 1

    def requested(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request whose answer is complete; `route` is the path as its route is written, empty for none."""
        self.in_progress -= 1
        route = route or NOT_ROUTED
        self._requests.add(route, method if method in _METHODS else NOT_ROUTED, str(status))
        self._request_s.of(route).observe(seconds)

    def refused(self, reason: str) -> None:
        self._refusals.add(reason)

    def used(self, key: str) -> None:
        """A request that reached a model, by the name of its key."""
        self._key_requests.add(key)

    def pace(self, model: str) -> Pace:
        gaps = self._inter_s.of(model)

        def batch(gap_s: float | None, num_pieces: int) -> None:
            if gap_s is not None:
                gaps.observe(gap_s)
            self._written.add(model, count=num_pieces)

        return batch

    def answered(self, meter: Meter, key: str) -> None:
        """An answer of a model; a request may have several. `key` is the name of its key, empty for none."""
        model = meter.model
        self._answers.add(meter.kind, model, meter.result)
        self._prompt.add(model, count=meter.prompt_tokens)
        self._cached.add(model, count=meter.cached_tokens)
        self._completion.add(model, count=meter.completion_tokens)
        if meter.guessed_tokens:
            self._guessed.add(model, count=meter.guessed_tokens)
            self._right.add(model, count=meter.right_tokens)
        if meter.cached_tokens:
            self._hits.add(model)
        if meter.first_s is not None:
            self._first_s.of(model).observe(meter.first_s)
        if meter.queue_s is not None and meter.slot_s is not None:
            self._wait_s.of(model, "load").observe(meter.queue_s)
            self._wait_s.of(model, "slot").observe(meter.slot_s)
        if key:
            self._key_tokens.add(key, "prompt", count=meter.prompt_tokens)
            self._key_tokens.add(key, "completion", count=meter.completion_tokens)

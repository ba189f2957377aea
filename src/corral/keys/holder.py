"""Who holds a key, while the server runs: what the key may still do, and what it has used."""

from __future__ import annotations

import math

from corral.errors import LimitExceeded
from corral.keys.key import Key
from corral.keys.limits import Bucket
from corral.keys.scopes import Scope
from corral.keys.table import KeyRow, Used

_BUSY_RETRY_S = 1.0


class Holder:
    """The state of one key. `now` is seconds since the epoch, always."""

    def __init__(self, row: KeyRow) -> None:
        self.key: Key = row.key
        self.in_flight = 0
        self._rate = Bucket(row.key.rate) if row.key.rate else None
        self._tokens = Bucket(row.key.tokens, row.token_level, row.level_at) if row.key.tokens else None
        self._requests = 0
        self._prompt_tokens = 0
        self._completion_tokens = 0
        self._last_used_at = 0.0

    @property
    def name(self) -> str:
        return self.key.name

    def may(self, scope: Scope) -> bool:
        return scope in self.key.scopes

    def admit(self, now: float) -> None:
        """Begin one request, which `leave` ends. Raises LimitExceeded with the time to wait."""
        self._check("rate", self._rate, now)
        self._check("token budget", self._tokens, now)
        if self.key.concurrency and self.in_flight >= self.key.concurrency:
            raise LimitExceeded(
                f'the key "{self.name}" has {self.in_flight} requests in progress, as many as it may',
                retry_after_s=_BUSY_RETRY_S,
            )
        if self._rate is not None:
            self._rate.add(1, now)
        self.in_flight += 1
        self._requests += 1
        self._last_used_at = now

    def leave(self) -> None:
        self.in_flight -= 1

    def spend(self, prompt_tokens: int, completion_tokens: int, now: float) -> None:
        """Book what a request has used. That is known only at its end, so a budget may be overdrawn once."""
        self._prompt_tokens += prompt_tokens
        self._completion_tokens += completion_tokens
        self._last_used_at = now
        if self._tokens is not None:
            self._tokens.add(prompt_tokens + completion_tokens, now)

    def take_used(self) -> Used | None:
        """What is to be added to the table; None where nothing happened since the last time."""
        if not self._last_used_at:
            return None
        used = Used(
            key_id=self.key.id,
            requests=self._requests,
            prompt_tokens=self._prompt_tokens,
            completion_tokens=self._completion_tokens,
            last_used_at=self._last_used_at,
            token_level=self._tokens.level(self._last_used_at) if self._tokens else 0.0,
        )
        self._requests = self._prompt_tokens = self._completion_tokens = 0
        self._last_used_at = 0.0
        return used

    def _check(self, what: str, bucket: Bucket | None, now: float) -> None:
        if bucket is None:
            return
        wait_s = bucket.wait_s(1, now)
        if wait_s > 0:
            over = f'the key "{self.name}" is over its {what} of {bucket.limit.text}'
            raise LimitExceeded(f"{over}: try again in {math.ceil(wait_s)} s", retry_after_s=wait_s)

"""What can go wrong on the way to a registry, for those who decide whether to try again."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

from corral.errors import RegistryError

T = TypeVar("T")

log = logging.getLogger("corral.registry")

MAX_ATTEMPTS = 6
_MAX_WAIT_S = 60.0


class Refused(RegistryError):
    """An answer of 400 and above; `wait_s` is how long it asks us to stay away, 0 if it does not."""

    def __init__(self, status: int, body: bytes, *, wait_s: float = 0.0) -> None:
        super().__init__(f"{status}: {plain_text(body)}")
        self.status = status
        self.wait_s = wait_s

    @property
    def is_final(self) -> bool:
        """Whether asking again would change nothing."""
        return self.status < 500 and self.status not in (408, 425, 429)


class Suspect(RegistryError):
    """The registry does what none should do; asking again would not make it better."""


class Expired(RegistryError):
    """The address of a blob does not let us in any more; a new one has to be asked for."""


class Stalled(RegistryError):
    """A connection brings nothing, or next to nothing, any more."""


async def persistently(what: str, action: Callable[[], Awaitable[T]], attempts: int = MAX_ATTEMPTS) -> T:
    """What `action` returns, after as many attempts as it takes. Raises like `wait_for_next`."""
    attempt = 1
    while True:
        try:
            return await action()
        except RegistryError as error:
            await wait_for_next(what, error, attempt, attempts)
            attempt += 1


async def wait_for_next(what: str, error: RegistryError, attempt: int, attempts: int = MAX_ATTEMPTS) -> None:
    """Wait after attempt number `attempt`, from 1, twice as long each time.

    Raises `error` where another attempt would change nothing, RegistryError when this was the last.
    """
    if isinstance(error, Suspect) or (isinstance(error, Refused) and error.is_final):
        raise error
    if attempt >= attempts:
        raise RegistryError(f"max retries exceeded: {error.message}", hint=error.hint) from error
    log.info("%s: attempt %d failed: %s", what, attempt, error.message)
    asked = error.wait_s if isinstance(error, Refused) else 0.0
    # Never all clients at once.
    await asyncio.sleep(min(asked or 2.0 ** (attempt - 1), _MAX_WAIT_S) * random.uniform(0.75, 1.25))


def plain_text(body: bytes) -> str:
    """What somebody else wrote, on one line and without what would move the cursor of a terminal."""
    text = body.decode("utf-8", "replace")
    return "".join(char if char.isprintable() else " " for char in text).strip()


def retry_after(value: str | None) -> float:
    """Seconds of a Retry-After header; its other form, a date, counts as none."""
    return float(value) if value and value.isdecimal() else 0.0


def refusal(error: BaseException, url: httpx.URL) -> str:
    """Why no connection came about, in the system's words; empty where the error itself says it best."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        if isinstance(cause, socket.gaierror):
            return f"dial tcp: lookup {url.host}: {str(cause.strerror).lower()}"
        if isinstance(cause, OSError) and cause.strerror and not isinstance(cause, ssl.SSLError):
            port = url.port or (443 if url.scheme == "https" else 80)
            # An event loop puts words of its own in the place of the system's.
            reason = os.strerror(cause.errno) if cause.errno else cause.strerror
            return f"dial tcp {url.host}:{port}: connect: {reason.lower()}"
        cause = cause.__cause__ or cause.__context__
    return ""

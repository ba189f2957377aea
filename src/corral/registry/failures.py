"""What can go wrong on the way to a registry, for those who decide whether to try again."""

from __future__ import annotations

import random
import socket
import ssl

import httpx

from corral.errors import RegistryError

MAX_ATTEMPTS = 6
_MAX_WAIT_S = 60.0


class Refused(RegistryError):
    """An answer of 400 and above; `wait_s` is how long the far side asks us to stay away, 0 if it does not."""

    def __init__(self, status: int, text: str, *, wait_s: float = 0.0) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status
        self.wait_s = wait_s

    @property
    def is_final(self) -> bool:
        """Whether asking again would change nothing."""
        return self.status < 500 and self.status not in (408, 425, 429)


class Stalled(RegistryError):
    """A connection brings nothing, or next to nothing, any more."""


def wait_before(attempt: int, error: RegistryError) -> float:
    """Seconds to wait before attempt number `attempt`, from 1: doubled each time, and never all at once."""
    asked = error.wait_s if isinstance(error, Refused) else 0.0
    return min(asked or 2.0 ** (attempt - 1), _MAX_WAIT_S) * random.uniform(0.75, 1.25)


def retry_after(value: str | None) -> float:
    """Seconds of a Retry-After header; its other form, a date, counts as none."""
    return float(value) if value and value.isdecimal() else 0.0


def gave_up(error: RegistryError) -> RegistryError:
    return RegistryError(f"max retries exceeded: {error.message}", hint=error.hint)


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
            return f"dial tcp {url.host}:{port}: connect: {cause.strerror.lower()}"
        cause = cause.__cause__ or cause.__context__
    return ""

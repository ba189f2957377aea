"""What an error class means as an exit status, and the one place that prints errors.

0    all went well, or the user left on purpose
1    any error
130  Ctrl-C; 141: whoever read our output went away (both as a shell reports the signals)
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from corral.errors import CorralError

INTERRUPTED = 130
BROKEN_PIPE = 141


class CommandError(CorralError):
    """A command cannot do what it was asked for; the message is all there is to say."""


class ServerError(CorralError):
    """The server answered with an error; `status` is its HTTP status, 200 where a stream broke off.

    `detail` is the error text alone, without the status line that streams carry in front of it.
    """

    def __init__(
        self, message: str, *, status: int, detail: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.detail = message if detail is None else detail


class NotSignedIn(ServerError):
    """Status 401; `signin_url` is where the user can sign in, if the server says so."""

    def __init__(self, message: str, *, signin_url: str = "") -> None:
        super().__init__(message, status=401)
        self.signin_url = signin_url


class NoServer(CorralError):
    """Nothing answers at the address of the server."""


class SilentServer(CorralError):
    """Something takes connections there, and says nothing."""


_EXIT_STATUS: dict[type[BaseException], int] = {
    KeyboardInterrupt: INTERRUPTED,
    BrokenPipeError: BROKEN_PIPE,
    CorralError: 1,
    OSError: 1,
}


def exit_status(error: BaseException) -> int:
    """The status of the nearest class in the table."""
    return next(_EXIT_STATUS[kind] for kind in type(error).__mro__ if kind in _EXIT_STATUS)


def guard(action: Callable[[], int]) -> int:
    """Run `action` and turn what it raises into a message on stderr and an exit status."""
    try:
        status = action()
        sys.stdout.flush()
        return status
    except BrokenPipeError as error:
        # Python flushes stdout once more at exit: let that go nowhere instead of failing again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_status(error)
    except KeyboardInterrupt as error:
        return exit_status(error)
    except (CorralError, OSError) as error:
        _report(error)
        return exit_status(error)


def _report(error: CorralError | OSError) -> None:
    sys.stdout.flush()
    print(f"Error: {_text(error)}", file=sys.stderr)
    if isinstance(error, CorralError) and error.hint:
        print(f"hint: {error.hint}", file=sys.stderr)


def _text(error: CorralError | OSError) -> str:
    if isinstance(error, CorralError):
        return error.message
    name = f" {error.filename}" if error.filename else ""
    return f"{(error.strerror or str(error)).lower()}{':' if name else ''}{name}"

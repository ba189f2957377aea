"""`serve`: run the server until it is told to stop. Source: cli.md section 9."""

from __future__ import annotations

import errno

from corral.cli.errors import CommandError
from corral.cli.identity import ensure_key_pair
from corral.cli.invocation import Invocation
from corral.settings import Address, Settings


def run(call: Invocation) -> None:
    ensure_key_pair(call.settings.identity)
    try:
        _serve(call.settings)
    except OSError as error:
        raise CommandError(listen_message(call.settings.address, error)) from error


def _serve(settings: Settings) -> None:
    # The one command that needs the server, and with it everything else.
    from corral.server import run as run_server

    run_server(settings)


def listen_message(address: Address, error: OSError) -> str:
    """Why the address cannot be listened at."""
    causes = {
        errno.EADDRINUSE: "address already in use",
        errno.EACCES: "permission denied",
        errno.EADDRNOTAVAIL: "cannot assign requested address",
    }
    cause = causes.get(error.errno or 0, (error.strerror or str(error)).lower())
    return f"listen tcp {address.netloc}: bind: {cause}"

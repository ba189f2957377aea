"""Watching a job until it ends, or the user has seen enough."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from corral.cli.client import Client
from corral.cli.errors import ServerError
from corral.cli.progress import Display
from corral.cli.tune.screen import Screen
from corral.errors import CorralError

_TRIES = 5
_PAUSE_S = 1.0

Record = Mapping[str, Any]


def records(client: Client, id: str, *, follow: bool = True) -> Iterator[dict[str, Any]]:
    """What the server says of a job; a connection that breaks is taken up again where it was."""
    position, failures = 0, 0
    while True:
        try:
            for record in client.follow(f"/api/tune/{id}/events?from={position}&follow={int(follow)}"):
                position = int(record.get("position", position))
                failures = 0
                yield record
            return
        except ServerError:
            raise
        except CorralError:
            failures += 1
            if failures >= _TRIES:
                raise
            time.sleep(_PAUSE_S)


def watch(client: Client, id: str) -> dict[str, Any]:
    """Show the job as it goes; its record at the end. Raises KeyboardInterrupt when the user has enough."""
    job: dict[str, Any] = {}
    with Display() as display:
        screen = Screen(display)
        for record in records(client, id):
            screen.take(record)
            job = record.get("job", job)
    return job

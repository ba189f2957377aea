"""What is shown while a request waits: a turning mark, and a bar when a large model is being loaded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from corral.cli.client import Client
from corral.cli.progress import Bar, Display
from corral.errors import CorralError

_FIRST_LOOK_S = 1.0  # most loads are over by then
_EVERY_S = 0.5


@contextmanager
def waiting(client: Client | None) -> Iterator[None]:
    """A turning mark within the block, and nothing left of it. Loads are shown where there is a `client`."""
    with Display() as display:
        display.spinner()
        over = threading.Event()
        watcher = threading.Thread(target=_watch, args=(client, display, over), daemon=True)
        watches = client is not None and display.live
        if watches:
            watcher.start()
        try:
            yield
        finally:
            over.set()
            if watches:
                watcher.join()
            display.clear()


def _watch(client: Client, display: Display, over: threading.Event) -> None:
    bar: Bar | None = None
    pause_s = _FIRST_LOOK_S
    while not over.wait(pause_s):
        pause_s = _EVERY_S
        loading = _loading(client)
        if loading is None or over.is_set():
            continue
        size = int(loading["size"])
        if bar is None or bar.total != size:
            display.clear()
            bar = display.bar(f"loading {loading['name']}", size)
        display.update(bar, int(loading["fraction"] * size))


def _loading(client: Client) -> dict[str, Any] | None:
    """The load that runs now; None too where the server does not tell, or has gone: the request will say."""
    try:
        found: dict[str, Any] | None = client.call("GET", "/api/ps?verbose=1").get("loading")
    except CorralError:
        return None
    return found

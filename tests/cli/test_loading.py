from __future__ import annotations

import io
import time
from contextlib import redirect_stderr

import pytest

from corral.cli import loading
from corral.cli.client import Client
from corral.cli.loading import waiting
from corral.settings import Address
from tests.helpers.scripted_server import Reply
from tests.helpers.server import wait_until


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch) -> Terminal:
    monkeypatch.setattr(loading, "_FIRST_LOOK_S", 0.0)
    monkeypatch.setattr(loading, "_EVERY_S", 0.01)
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def test_a_long_load_is_shown_with_its_size_and_nothing_is_left_of_it(server, screen):
    halfway = {"name": "big:latest", "size": 4_000_000_000, "fraction": 0.5}
    server.on("GET", "/api/ps?verbose=1", Reply({"models": []}), Reply({"models": [], "loading": halfway}))
    with redirect_stderr(screen), waiting(Client(Address(port=server.port))):
        wait_until(lambda: "loading big:latest  50%" in screen.getvalue())
        wait_until(lambda: "2 GB/  4 GB" in screen.getvalue())
    assert screen.getvalue().endswith("\x1b[?2026l\x1b[2K\x1b[1G")


def test_a_server_that_goes_away_meanwhile_is_no_matter(screen):
    with redirect_stderr(screen), waiting(Client(Address(port=9))):
        time.sleep(0.05)
    assert "Traceback" not in screen.getvalue()


def test_nothing_is_shown_where_there_is_no_terminal(server, monkeypatch):
    monkeypatch.setattr(loading, "_FIRST_LOOK_S", 0.0)
    with redirect_stderr(io.StringIO()) as out, waiting(Client(Address(port=server.port))):
        time.sleep(0.02)
    assert (out.getvalue(), server.asked) == ("", [])

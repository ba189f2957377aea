from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from corral.cli import start
from corral.cli.errors import NoServer
from corral.settings import Address, Settings


def child(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)


@pytest.mark.parametrize(
    "address",
    [
        Address(host="10.0.0.1"),
        Address(host="models.test"),
        Address(port=80),
        Address("https", "localhost", 8443),
    ],
)
def test_a_server_is_started_only_where_it_is_ours_to_do(address, tmp_path):
    assert start.start_in_background(Settings(address=address, home=tmp_path), "corral") is False
    assert list(tmp_path.iterdir()) == []


def test_starting_waits_until_the_server_answers(server, tmp_path, monkeypatch, capsys):
    with child("input()") as process:
        monkeypatch.setattr(start, "_spawn", lambda log: process)
        settings = Settings(address=Address(port=server.port), home=tmp_path)
        assert start.start_in_background(settings, "corral") is True
        log = tmp_path / "logs" / "server.log"
        expected = f"starting the corral server in the background (log: {log})\n"
        assert capsys.readouterr().err == expected
        process.returncode = None
        process.communicate(b"\n")


def test_a_server_that_ends_at_once_is_told(tmp_path, monkeypatch, capsys):
    with child("pass") as process:
        process.wait()
        monkeypatch.setattr(start, "_spawn", lambda log: process)
        settings = Settings(address=Address(port=free_port()), home=tmp_path)
        with pytest.raises(NoServer) as caught:
            start.start_in_background(settings, "corral")
    assert caught.value.message == "could not start the corral server in the background: it ended at once"


def test_the_log_is_named_from_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    assert start._shown(Path("/home/someone/.corral/logs/server.log")) == "~/.corral/logs/server.log"
    assert start._shown(Path("/var/log/server.log")) == "/var/log/server.log"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])

import io
import os
import signal
import subprocess
import sys

import pytest

from corral.cli.commands.logs import last_lines
from tests.helpers.server import wait_until

LINES = [b"line %d\n" % number for number in range(30_000)]


@pytest.mark.parametrize("count", [0, 1, 100, 30_000, 40_000])
def test_the_last_lines_are_read_from_the_end(count):
    assert last_lines(io.BytesIO(b"".join(LINES)), count) == (LINES[-count:] if count else [])


def test_a_last_line_without_its_end_is_shown():
    assert last_lines(io.BytesIO(b"a\nb"), 1) == [b"b"]


@pytest.fixture
def log(tmp_path):
    path = tmp_path / ".corral" / "logs" / "server.log"
    path.parent.mkdir(parents=True)
    return path


def test_where_there_is_no_log_that_is_said(corral, tmp_path):
    outcome = corral("logs")
    assert outcome.status == 1
    assert f"there is no log yet: {tmp_path}/.corral/logs/server.log" in outcome.err


def test_the_log_of_another_machine_is_not_here(corral, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "http://192.0.2.1:11434")
    assert "is on that machine" in corral("logs").err


def show(log, *flags):
    env = {**os.environ, "CORRAL_HOME": str(log.parents[1])}
    command = [sys.executable, "-m", "corral.cli", "logs", *flags]
    return subprocess.run(command, env=env, capture_output=True, timeout=60).stdout


def test_the_end_of_the_log_is_shown_and_of_the_part_before_it_if_need_be(log):
    log.write_bytes(b"new 1\nnew 2\n")
    log.with_name("server.log.1").write_bytes(b"old 1\nold 2\n")
    assert show(log, "-n", "3") == b"old 2\nnew 1\nnew 2\n"


def test_what_is_written_later_is_followed_beyond_a_change_of_the_file(log, tmp_path):
    log.write_bytes(b"before\n")
    env = {**os.environ, "CORRAL_HOME": str(log.parents[1])}
    seen = tmp_path / "seen"
    with seen.open("wb") as output:
        command = [sys.executable, "-m", "corral.cli", "logs", "-f"]
        reader = subprocess.Popen(command, env=env, stdout=output, stderr=subprocess.PIPE)
    try:
        wait_until(lambda: seen.read_bytes() == b"before\n")
        with log.open("ab") as file:
            file.write(b"more\n")
        wait_until(lambda: seen.read_bytes().endswith(b"more\n"))
        log.rename(log.with_name("server.log.1"))
        log.write_bytes(b"a new file\n")
        wait_until(lambda: seen.read_bytes().endswith(b"a new file\n"))
    finally:
        reader.send_signal(signal.SIGINT)
        _, errors = reader.communicate(timeout=20)
    assert (reader.returncode, errors) == (130, b"")

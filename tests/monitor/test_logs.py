import json
import logging
import os
import sys

import pytest

from corral.core.request_id import new_request_id, request_id
from corral.errors import InvalidInput
from corral.monitor import configure_logs


@pytest.fixture(autouse=True)
def root_logger():
    root = logging.getLogger()
    handlers, level, ours = root.handlers, root.level, logging.getLogger("corral").level
    yield root
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers = handlers
    root.setLevel(level)
    logging.getLogger("corral").setLevel(ours)


@pytest.fixture
def in_request():
    token = request_id.set("req_7")
    yield
    request_id.reset(token)


log = logging.getLogger("corral.test")


@pytest.mark.parametrize(
    ("debug", "shown"), [(0, ["info"]), (1, ["info", "debug"]), (2, ["info", "debug", "trace"])]
)
def test_the_log_shows_as_much_as_it_is_told_to(capsys, debug, shown):
    configure_logs(debug)
    log.info("info")
    log.debug("debug")
    log.log(5, "trace")
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition('msg="')[2].rstrip('"') for line in lines] == shown


def test_a_line_of_the_log_stays_one_line(capsys):
    configure_logs(0)
    log.info("two\nlines")
    assert capsys.readouterr().err.count("\n") == 1


def test_a_line_names_its_request(capsys, in_request):
    configure_logs(0)
    log.info("hello", extra={"fields": {"key": "alice", "status": 200}})
    assert capsys.readouterr().err.endswith('msg="hello" request=req_7 key=alice\n')


@pytest.mark.parametrize("format", ["text", "json"])
def test_a_key_in_a_message_is_not_written(capsys, format):
    configure_logs(0, format=format)
    log.info("no model\n%s", "corral-abcdefghijklmnopqrst")
    line = capsys.readouterr().err
    assert "abcdefghijklmnopqrst" not in line
    assert "[removed]" in line


def test_a_line_of_json_holds_the_parts_of_its_message(capsys, in_request):
    configure_logs(0, format="json")
    log.info("%d GET", 200, extra={"fields": {"status": 200, "duration_ms": 1.5}})
    entry = json.loads(capsys.readouterr().err)
    del entry["time"]
    assert entry == {
        "level": "INFO",
        "source": "corral.test",
        "msg": "200 GET",
        "request_id": "req_7",
        "status": 200,
        "duration_ms": 1.5,
    }


def test_a_trace_in_json_stays_one_line(capsys):
    configure_logs(0, format="json")
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        log.exception("failed")
    (line,) = capsys.readouterr().err.splitlines()
    assert "ZeroDivisionError" in json.loads(line)["trace"]


def test_a_form_that_is_unknown_is_refused():
    with pytest.raises(InvalidInput, match='"text" or "json"'):
        configure_logs(0, format="xml")


def test_the_log_is_kept_in_its_file_too(capsys, tmp_path):
    file = tmp_path / "logs" / "server.log"
    configure_logs(0, file=file)
    log.info("hello")
    assert file.read_text() == capsys.readouterr().err


def test_a_file_that_stderr_goes_to_already_gets_every_line_once(tmp_path, monkeypatch):
    file = tmp_path / "server.log"
    with file.open("a") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        configure_logs(0, file=file)
        log.info("hello")
    assert file.read_text().count("hello") == 1


def test_the_file_is_put_aside_when_it_is_full(tmp_path, root_logger, monkeypatch):
    monkeypatch.setattr("corral.monitor.logs._MAX_FILE", 2000)
    configure_logs(0, file=tmp_path / "server.log")
    for number in range(200):
        log.info("line %d", number)
    assert {path.name for path in tmp_path.iterdir()} == {
        "server.log",
        *(f"server.log.{n}" for n in (1, 2, 3)),
    }
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 4 * 2000


@pytest.mark.skipif(os.name != "posix", reason="a file where a folder should be is an error of POSIX")
def test_a_file_that_cannot_be_written_costs_no_more_than_a_warning(tmp_path, capsys):
    (tmp_path / "logs").write_text("")
    configure_logs(0, file=tmp_path / "logs" / "server.log")
    log.info("hello")
    shown = capsys.readouterr().err
    assert "the log is not kept" in shown
    assert "hello" in shown


@pytest.mark.parametrize("sent", ["abc-123", "req_1.2:3"])
def test_an_id_that_the_client_sent_is_kept(sent):
    assert new_request_id(sent) == sent


@pytest.mark.parametrize("sent", ["", "two words", 'quote"', "x" * 65, "new\nline", "ü"])
def test_an_id_that_could_disturb_the_log_is_replaced(sent):
    made = new_request_id(sent)
    assert made.startswith("req_")
    assert made != new_request_id(sent)

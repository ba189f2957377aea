import logging

import pytest

from corral.errors import InvalidInput
from corral.monitor import RecentLog, read_level
from corral.monitor.recent import MAX_LINES

SECRET = "corral-abcdefghijklmnopqrst"


@pytest.fixture
def log():
    """A logger whose lines `recent` keeps."""
    logger = logging.getLogger("test.recent")
    recent = RecentLog()
    logger.addHandler(recent)
    logger.setLevel(5)
    logger.propagate = False
    yield logger, recent
    logger.removeHandler(recent)
    logger.setLevel(logging.NOTSET)
    logger.propagate = True


def test_lines_are_kept_with_number_level_and_fields(log):
    logger, recent = log
    logger.info("hello %s", "you", extra={"fields": {"status": 200}})
    (line,) = recent.lines()
    assert line.number == 1
    del line.entry["time"]
    assert line.entry == {"level": "INFO", "source": "test.recent", "msg": "hello you", "status": 200}


def test_a_level_hides_what_is_below_it(log):
    logger, recent = log
    for level in (5, 10, 20, 30, 40):
        logger.log(level, "at %d", level)
    assert [line.entry["msg"] for line in recent.lines(level=read_level("warning"))] == ["at 30", "at 40"]
    assert len(recent.lines(level=read_level(""))) == 5


def test_who_saw_a_line_gets_those_after_it(log):
    logger, recent = log
    for number in range(5):
        logger.info("line %d", number)
    assert [line.number for line in recent.lines(after=3)] == [4, 5]
    assert [line.number for line in recent.lines(limit=2)] == [4, 5]


def test_requests_do_not_push_out_what_else_happened(log):
    logger, recent = log
    logger.warning("important")
    record = logging.LogRecord("corral.access", logging.INFO, "", 0, "200 GET /", (), None)
    for _ in range(MAX_LINES):
        recent.handle(record)
    lines = recent.lines()
    assert (lines[0].entry["msg"], len(lines)) == ("important", MAX_LINES // 2 + 1)


def test_keys_are_in_neither_message_nor_trace(log):
    logger, recent = log
    try:
        raise ValueError(SECRET)
    except ValueError:
        logger.exception("refused %s", SECRET)
    (line,) = recent.lines()
    assert "abcdefghijklmnopqrst" not in str(line.entry)
    assert "ValueError" in line.entry["trace"]


def test_an_unknown_level_is_refused():
    with pytest.raises(
        InvalidInput, match='level must be one of trace, debug, info, warning, error, not "x"'
    ):
        read_level("x")

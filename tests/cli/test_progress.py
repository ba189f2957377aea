from __future__ import annotations

import io
import re

import pytest

from corral.cli.progress import Bar, Display, Spinner
from corral.cli.rate import Rate, remaining_text
from corral.cli.transfer import show_records

D1, D2 = "sha256:" + "a" * 64, "sha256:" + "b" * 64


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines_of(text: str) -> list[str]:
    """What stands on the screen after the last frame."""
    frame = text.rpartition("\x1b[?2026h")[2]
    return [re.sub(r"\x1b\[[0-9?]*[A-Za-z]", "", line) for line in frame.rstrip("\n").split("\n")]


def test_a_bar_fills_the_line_between_its_label_and_the_sizes():
    bar = Bar("pulling aaaa:", 2_000_000_000, 500_000_000)
    line = bar.line(80)
    assert line.startswith("pulling aaaa:  25% ▕██████ ")
    assert line.endswith("▏ 500 MB/  2 GB" + " " * 18)
    assert len(line) == 79


def test_a_finished_bar_shows_the_whole_size_alone():
    line = Bar("pulling aaaa:", 1000, 1000).line(60)
    assert line.startswith("pulling aaaa: 100% ▕█")
    assert line.endswith("▏   1 KB" + " " * 25)


def test_a_bar_without_room_keeps_its_texts():
    assert "▕▏" in Bar("m" * 70, 1000, 1000).line(20)


def test_a_stopped_spinner_leaves_its_message():
    spinner = Spinner("writing manifest")
    assert re.fullmatch(r"writing manifest [⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] ", spinner.line(80))
    spinner.stop()
    assert spinner.line(80) == "writing manifest "


def test_records_of_a_pull_become_spinners_and_bars(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    screen = Terminal()
    records = [
        {"status": "pulling manifest"},
        {"status": "pulling aaaaaaaaaaaa", "digest": D1, "total": 1000},
        {"status": "pulling aaaaaaaaaaaa", "digest": D1, "total": 1000, "completed": 500},
        {"status": "pulling aaaaaaaaaaaa", "digest": D1, "total": 1000, "completed": 1000},
        {"status": "pulling bbbbbbbbbbbb", "digest": D2, "total": 10},
        {"status": "success"},
        {"status": "success"},
    ]
    with Display(screen) as display:
        show_records(records, display, pulling=True)
    shown = lines_of(screen.getvalue())
    assert [line[:24].rstrip() for line in shown] == [
        "pulling manifest",
        "pulling aaaaaaaaaaaa: 10",
        "success",
    ]


def test_bars_of_a_push_are_named_by_the_status_and_begin_at_nothing(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    screen = Terminal()
    with Display(screen) as display:
        show_records([{"status": "pushing aaaa", "digest": D1, "total": 1000}], display)
    assert lines_of(screen.getvalue())[0].startswith("pushing aaaa   0% ▕ ")


def test_without_a_terminal_each_step_is_one_plain_line():
    log = io.StringIO()
    records = [{"status": "pulling manifest"}, {"status": "pulling manifest"}, {"status": "success"}]
    with Display(log) as display:
        show_records(records, display, pulling=True)
    assert log.getvalue() == "pulling manifest\nsuccess\n"


def test_without_a_terminal_a_spinner_without_words_says_nothing():
    log = io.StringIO()
    display = Display(log)
    display.spinner()
    display.clear()
    assert log.getvalue() == ""


def test_clearing_erases_every_line(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    screen = Terminal()
    display = Display(screen)
    display.spinner("one")
    display.bar("two", 10)
    display._draw()
    display.clear()
    assert screen.getvalue().endswith("\x1b[2K\x1b[1G\x1b[A\x1b[2K\x1b[1G")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(45, "45s"), (3599, "59m59s"), (7800, "2h10m"), (400000, "99h+"), (0.2, "0s")],
)
def test_the_time_left_is_told_shortly(seconds, text):
    assert remaining_text(seconds) == text


def test_the_rate_is_that_of_the_last_seconds():
    rate = Rate(0, now_s=0.0)
    assert rate.per_second() == 0
    rate.add(500, now_s=1.0)
    assert rate.per_second() == 500
    rate.add(900, now_s=1.5)  # too soon after the last sample
    rate.add(2500, now_s=3.0)
    assert rate.per_second() == 1000

import re

import pytest

from corral.core import units


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 KB"),
        (1500, "1.5 KB"),
        (21_400_000, "21 MB"),
        (3_800_000_000, "3.8 GB"),
    ],
)
def test_sizes_are_decimal(size, text):
    assert units.human_bytes(size) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(999, "999"), (1000, "1K"), (494_032_768, "494.03M"), (8_030_261_248, "8.0B"), (7_000_000_000, "7B")],
)
def test_parameter_counts_are_short(count, text):
    assert units.human_number(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (2.5e-7, "250ns"),
        (0.000383809, "383.809µs"),
        (0.02513, "25.13ms"),
        (1.5, "1.5s"),
        (62, "1m2s"),
        (3723.5, "1h2m3.5s"),
        (-2, "-2s"),
    ],
)
def test_durations_are_spelled_as_clients_know_them(seconds, text):
    assert units.go_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "Less than a second from now"),
        (1.2, "1 second from now"),
        (299, "4 minutes from now"),
        (-90, "About a minute ago"),
        (-3700, "About an hour ago"),
        (-3 * 86400, "3 days ago"),
        (-40 * 86400, "5 weeks ago"),
        (-800 * 86400, "2 years ago"),
        (float("inf"), "Forever"),
    ],
)
def test_moments_are_told_from_now(seconds, text):
    assert units.human_time(seconds, 0.0) == text


def test_no_moment_is_never():
    assert units.human_time(None, 0.0) == "Never"


def test_times_are_rfc_3339():
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", units.utc_now_text())
    assert re.fullmatch(
        r"2001-09-0\dT\d\d:46:40\.25(Z|[+-]\d\d:\d\d)", units.local_time_text(1_000_000_000.25)
    )


def test_the_end_of_time_can_be_told():
    assert units.local_time_text(units.MAX_DURATION_S * 1000).startswith("9999-12-31")

from pathlib import Path

import pytest

from corral.scheduler.evict import Candidate, Warmth, choose

A, B = Path("/a"), Path("/b")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"last_used": 2.0}, {"last_used": 1.0}, B),
        ({}, {}, A),
        ({"in_flight": 1}, {"last_used": 9.0}, B),
        ({"endless": True}, {"last_used": 9.0}, B),
        ({"endless": True}, {"in_flight": 1}, A),
        ({"warmth": 2.0, "last_used": 1.0}, {"warmth": 1.0, "last_used": 2.0}, B),
        ({"endless": True}, {"warmth": 4.0}, B),
        ({"in_flight": 3}, {"in_flight": 1, "last_used": 9.0}, B),
        ({"in_flight": 2, "warmth": 1.0}, {"in_flight": 2, "warmth": 3.0}, A),
        ({"pinned": True, "endless": True}, {"in_flight": 1}, B),
        ({"pinned": True}, {"pinned": True}, None),
    ],
)
def test_idle_goes_before_busy_and_cold_before_warm_and_pinned_never(first, second, expected):
    assert choose([Candidate(key=A, **first), Candidate(key=B, **second)]) == expected


def test_with_nothing_loaded_nothing_goes():
    assert choose([]) is None


def used(*moments: float) -> Warmth:
    warmth = Warmth()
    for moment in moments:
        warmth.add(moment)
    return warmth


@pytest.mark.parametrize(
    ("moments", "now", "expected"),
    [
        ((), 5.0, 0.0),
        ((0.0,), 0.0, 1.0),
        ((0.0,), 60.0, 0.5),
        ((0.0, 60.0), 60.0, 1.5),
        ((0.0,) * 9, 0.0, 4.0),
    ],
)
def test_a_use_warms_and_half_of_it_is_gone_after_a_minute(moments, now, expected):
    assert used(*moments).at(now) == pytest.approx(expected)


def test_after_some_minutes_much_use_weighs_less_than_one_now():
    assert used(*(float(second) for second in range(100))).at(99.0 + 121.0) < used(220.0).at(220.0)

from pathlib import Path

import pytest

from corral.scheduler.evict import Candidate, choose

A, B = Path("/a"), Path("/b")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"last_used": 2.0}, {"last_used": 1.0}, B),
        ({}, {}, A),
        ({"in_flight": 1}, {"last_used": 9.0}, B),
        ({"endless": True}, {"last_used": 9.0}, B),
        ({"endless": True}, {"in_flight": 1}, A),
        ({"in_flight": 3}, {"in_flight": 1, "last_used": 9.0}, A),
        ({"pinned": True, "endless": True}, {"in_flight": 1}, B),
        ({"pinned": True}, {"pinned": True}, None),
    ],
)
def test_idle_goes_before_busy_and_old_before_new_and_pinned_never(first, second, expected):
    assert choose([Candidate(key=A, **first), Candidate(key=B, **second)]) == expected


def test_with_nothing_loaded_nothing_goes():
    assert choose([]) is None

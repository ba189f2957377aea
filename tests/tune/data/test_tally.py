from __future__ import annotations

from corral.tune.data import Dropped, Lengths, Place
from corral.tune.data.encoding import EncodedRow
from corral.tune.data.tally import Tally, lengths_of


def test_reasons_are_counted_with_their_first_places():
    tally = Tally()
    for line in range(1, 31):
        tally.drop(Dropped(Place("a", line), "bad" if line % 3 else "worse"))
    assert [(found.reason, found.rows, found.places[:2], len(found.places)) for found in tally.dropped()] == [
        ("bad", 20, ("a:1", "a:2"), 10),
        ("worse", 10, ("a:3", "a:6"), 10),
    ]


def test_a_file_with_another_reason_in_every_row_does_not_fill_the_report():
    tally = Tally()
    for line in range(1000):
        tally.drop(Dropped(Place("a", line), f"{line} is no role" + "!" * 10_000))
    found = tally.dropped()
    assert (len(found), found[0].reason, found[0].rows) == (51, "other reasons", 950)
    assert all(len(reason.reason) <= 200 for reason in found)


def test_two_sides_are_counted_together():
    one, other = Tally(), Tally()
    one.use(EncodedRow((), (5, 7), num_cut=1))
    one.drop(Dropped(Place("a", 1), "bad"))
    other.use(EncodedRow((), (9,), num_lost=1, is_unreasoned=True))
    other.drop(Dropped(Place("b", 1), "bad"))
    both = one.merged(other)
    assert (both.num_rows, both.num_cut, both.num_lost, both.num_unreasoned) == (4, 1, 1, 1)
    assert both.lengths == [5, 7, 9]
    assert [(found.rows, found.places) for found in both.dropped()] == [(2, ("a:1", "b:1"))]


def test_the_error_says_the_commonest_reasons():
    tally = Tally()
    for line, reason in enumerate(["a", "b", "c", "d", "b"], 1):
        tally.drop(Dropped(Place("f", line), reason))
    assert tally.nothing_left().message == (
        "no row can be used: b (2 rows, f:2); a (1 row, f:1); c (1 row, f:3); and 1 more reasons"
    )


def test_lengths_are_those_of_a_sorted_list():
    assert lengths_of(range(1, 102)) == Lengths(min=1, median=51, p95=96, max=101)
    assert lengths_of([4]) == Lengths(min=4, median=4, p95=4, max=4)
    assert lengths_of([]) == Lengths()

import io
import json

import pytest
from rich.console import Console

from bench.measure import Sample
from bench.report import MILLI, Report, Row, make_table, number, ratio, times


def row(**more):
    values = {"name": "n", "unit": "ms", "scale": MILLI, "corral": Sample((0.006,)), "base": Sample((0.004,))}
    return Row(**(values | more))


def test_a_ratio_is_of_the_medians_and_empty_without_a_counterpart():
    assert ratio(Sample((1.0, 2.0, 9.0)), Sample((4.0,))) == 0.5
    assert ratio(Sample((1.0,)), None) is None
    assert ratio(Sample((1.0,)), Sample((0.0,))) is None


@pytest.mark.parametrize(
    ("more", "added", "kept"),
    [
        ({}, 0.002, None),
        ({"budget": 0.003}, 0.002, True),
        ({"budget": 0.001}, 0.002, False),
        ({"budget": 0.001, "added": Sample((0.0005,))}, 0.0005, True),
        ({"budget": 0.001, "base": None}, None, None),
        ({"more_is_better": True}, None, None),
    ],
)
def test_what_is_added_is_held_against_the_budget(more, added, kept):
    figure = row(**more)
    assert (figure.added_value, figure.kept) == (pytest.approx(added) if added else None, kept)


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (1234.5, "1234"), (12.34, "12.3"), (1.234, "1.23"), (-0.5, "-0.50")]
)
def test_numbers_have_about_three_digits(value, text):
    assert number(value) == text


def test_a_record_holds_every_value_in_the_unit_shown():
    record = json.loads(json.dumps(row(against=Sample((0.012, 0.012)), budget=0.003).record()))
    assert record["corral"] == {"median": 6.0, "spread": 0.0, "values": [6.0]}
    assert (record["ratio"], record["against_ratio"]) == (1.5, 0.5)
    assert (record["added"], record["kept"]) == (pytest.approx(2.0), True)


def test_the_table_shows_what_is_over_budget():
    report = Report({}, [row(name="slow", budget=0.001), row(name="fine", budget=0.1)])
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(make_table(report.rows, with_against=False))
    slow, fine = console.export_text().splitlines()[1:]
    assert slow.split()[0] == "slow"
    assert slow.split()[-1] == "MISSED"
    assert fine.split()[-1] == "kept"
    assert report.missed == ["slow"]
    assert times(1.5) in slow

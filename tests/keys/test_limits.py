import pytest

from corral.errors import InvalidInput
from corral.keys.limits import Bucket, Limit, read_duration


@pytest.mark.parametrize(
    ("text", "amount", "period_s"),
    [
        ("60/min", 60, 60),
        ("1M/day", 1_000_000, 86400),
        ("250k/hour", 250_000, 3600),
        ("5/s", 5, 1),
        (" 10 / sec ", 10, 1),
        ("2g/D", 2_000_000_000, 86400),
        ("1m/m", 1_000_000, 60),
    ],
)
def test_a_limit_is_an_amount_in_a_period(text, amount, period_s):
    limit = Limit.parse(text)
    assert (limit.amount, limit.period_s, limit.text) == (amount, period_s, text.strip())


@pytest.mark.parametrize("text", ["", "60", "0/min", "60/fortnight", "-1/min", "1.5/min", "60/min/min"])
def test_what_is_no_limit_is_refused_with_the_form_to_use(text):
    with pytest.raises(InvalidInput, match="60/min or 1M/day"):
        Limit.parse(text)


@pytest.mark.parametrize(("text", "seconds"), [("30d", 30 * 86400), ("12h", 43200), ("90 min", 5400)])
def test_a_duration_is_a_number_and_a_unit(text, seconds):
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "d", "0d", "1y"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(InvalidInput, match="30d or 12h"):
        read_duration(text)


def test_a_full_budget_may_be_used_at_once_and_comes_back_bit_by_bit():
    bucket = Bucket(Limit.parse("60/min"))
    bucket.add(60, now=1000)
    assert bucket.wait_s(1, now=1000) == 1
    assert bucket.wait_s(10, now=1000) == 10
    assert bucket.wait_s(1, now=1001) == 0
    assert bucket.level(now=1030) == 30
    assert bucket.level(now=5000) == 0


def test_a_budget_may_be_overdrawn_and_then_takes_longer():
    bucket = Bucket(Limit.parse("100/s"))
    bucket.add(300, now=0)
    assert bucket.wait_s(1, now=0) == pytest.approx(2.01)


def test_a_clock_that_is_set_back_empties_nothing():
    bucket = Bucket(Limit.parse("10/s"))
    bucket.add(10, now=1000)
    assert bucket.level(now=500) == 10

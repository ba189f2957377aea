import json

import pytest

from bench.measure import Ask, Sample, in_turn


@pytest.mark.parametrize(
    ("values", "median", "spread"),
    [
        ((3.0,), 3.0, 0.0),
        ((1.0, 5.0), 3.0, 2.0),
        ((1.0, 2.0, 3.0, 4.0, 100.0), 3.0, 1.0),
    ],
)
def test_a_sample_has_a_median_and_a_spread_that_one_stray_value_does_not_move(values, median, spread):
    sample = Sample(values)
    assert (sample.median, sample.spread) == (median, spread)


def test_sides_take_turns_and_the_first_of_a_round_is_the_last_of_the_next():
    assert list(in_turn(["a", "b", "c"], 2)) == ["a", "b", "c", "c", "b", "a"]


@pytest.mark.parametrize("chat", [False, True])
def test_both_dialects_are_asked_for_the_same_tokens(chat):
    ask = Ask(model="m", num_predict=5, temperature=0.5, seed=3, chat=chat)
    native = json.loads(ask.encode(native=True)[1])
    api = json.loads(ask.encode(native=False)[1])
    assert native["max_tokens" if chat else "n_predict"] == api["options"]["num_predict"] == 5
    for name in ("temperature", "seed", "top_k", "top_p", "min_p", "repeat_penalty"):
        assert native[name] == api["options"][name]

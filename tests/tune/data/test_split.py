from __future__ import annotations

import pytest

from corral.errors import InvalidInput
from corral.tune.data.split import held_out_rows

KEYS = [bytes([number]) for number in range(100)]


def test_a_share_of_the_rows_is_held_out_by_the_seed():
    held = held_out_rows(KEYS, 0.05, seed=1)
    assert len(held) == 5
    assert held == held_out_rows(KEYS, 0.05, seed=1)
    assert held != held_out_rows(KEYS, 0.05, seed=2)


def test_the_draw_follows_the_rows_and_not_their_order():
    held = {KEYS[number] for number in held_out_rows(KEYS, 0.05, seed=1)}
    turned = KEYS[::-1]
    assert held == {turned[number] for number in held_out_rows(turned, 0.05, seed=1)}


@pytest.mark.parametrize(("number", "wanted"), [(2, 1), (3, 1), (10, 1), (40, 2)])
def test_at_least_one_row_is_held_out(number: int, wanted: int):
    assert len(held_out_rows(KEYS[:number], 0.05, seed=0)) == wanted


def test_rows_that_are_the_same_stay_on_one_side():
    keys = KEYS[:10] * 3
    held = held_out_rows(keys, 0.2, seed=3)
    assert len(held) == 6
    assert not {keys[number] for number in held} & {keys[number] for number in set(range(30)) - held}


def test_a_row_that_makes_up_nearly_all_is_trained_on():
    keys = [b"a"] * 99 + [b"b"]
    assert all(held_out_rows(keys, 0.05, seed) == {99} for seed in range(20))


def test_a_share_of_nothing_holds_nothing_out():
    assert held_out_rows(KEYS, 0, seed=3) == frozenset()
    assert held_out_rows([b"a"], 0, seed=3) == frozenset()


def test_one_different_row_is_too_little():
    with pytest.raises(InvalidInput, match="one different row is too little"):
        held_out_rows([b"a", b"a"], 0.05, seed=0)

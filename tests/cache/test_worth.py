import pytest

from corral.cache.prefix import Realm
from corral.cache.saved import SavedState
from corral.cache.worth import is_worth_restoring, is_worth_saving, to_evict

MB = 1_000_000


def state(id_, size, used_at):
    return SavedState(
        id=id_,
        stamp="",
        weights="",
        realm=Realm(),
        blocks=(),
        num_tokens=0,
        token_s=0.0,
        size=size,
        digest="",
        used_at=used_at,
    )


@pytest.mark.parametrize(
    ("num_tokens", "token_s", "size", "worth"),
    [
        (1000, 0.006, 115 * MB, True),  # 0.5B weights on two cores
        (1000, 0.0001, 115 * MB, False),  # a fast device
        (32, 0.0005, 1 * MB, False),
        (0, 0.006, 0, False),
    ],
)
def test_a_state_is_restored_where_that_takes_less_than_half_of_computing(num_tokens, token_s, size, worth):
    assert is_worth_restoring(num_tokens, token_s, size) is worth


@pytest.mark.parametrize(
    ("num_tokens", "token_s", "size", "worth"),
    [(1000, 0.006, 115 * MB, True), (16, 0.006, 2 * MB, False), (10_000, 0.0001, 1150 * MB, False)],
)
def test_a_state_is_saved_where_computing_it_again_would_take_a_while(num_tokens, token_s, size, worth):
    assert is_worth_saving(num_tokens, token_s, size) is worth


def test_the_least_recently_used_go_first_and_no_more_than_must():
    states = [state("a", 40, used_at=3), state("b", 30, used_at=1), state("c", 30, used_at=2)]
    assert [gone.id for gone in to_evict(states, 100)] == []
    assert [gone.id for gone in to_evict(states, 100, wanted=1)] == ["b"]
    assert [gone.id for gone in to_evict(states, 100, wanted=31)] == ["b", "c"]
    assert [gone.id for gone in to_evict(states, 0)] == ["b", "c", "a"]

import pytest

from corral.cache.prefix import BLOCK_TOKENS, Prefix, Realm, token_blocks
from corral.cache.slots import Choice, Content, choose, engine_goes_on

TOKEN_S, LEAST_S = 0.005, 0.3  # two blocks take 0.64 s


def blocks(*parts):
    """One block for each part; parts that are equal make equal beginnings."""
    return token_blocks([part for part in parts for _ in range(BLOCK_TOKENS)])


def content(*parts, realm=Realm(), used_at=0):  # noqa: B008 - a value that cannot change
    made = blocks(*parts)
    return Content(realm=realm, blocks=made, num_tokens=len(made) * BLOCK_TOKENS + 10, used_at=used_at)


def chosen(free, *parts, realm=Realm()):  # noqa: B008
    return choose(free, Prefix(realm=realm, blocks=blocks(*parts)), TOKEN_S, LEAST_S)


def test_a_conversation_goes_back_to_its_slot():
    free = {0: content(1, 2), 1: content(3, 4), 2: None}
    assert chosen(free, 3, 4, 5) == Choice(1, 2 * BLOCK_TOKENS)


def test_a_new_conversation_takes_an_empty_slot():
    assert chosen({0: content(1, 2), 1: None}, 9) == Choice(1)


def test_where_none_is_empty_it_takes_the_one_used_longest_ago():
    free = {0: content(1, used_at=5), 1: content(2, used_at=3), 2: content(3, used_at=4)}
    assert chosen(free, 9).slot == 1


def test_a_slot_with_much_that_would_be_lost_is_left_alone_and_named_as_the_source():
    free = {0: content(1, 2, 3, 4), 1: None}
    assert chosen(free, 1, 2, 9) == Choice(1, source=0)


def test_a_slot_with_little_that_would_be_lost_is_taken():
    free = {0: content(1, 2, 3), 1: None}
    assert chosen(free, 1, 2, 9).slot == 1
    assert choose(free, Prefix(blocks=blocks(1, 2, 9)), 0.001, LEAST_S) == Choice(0, 2 * BLOCK_TOKENS)


def test_of_two_slots_with_the_same_beginning_the_one_that_loses_least_is_taken():
    free = {0: content(1, 2, 3, 4), 1: content(1, 2)}
    assert chosen(free, 1, 2, 9) == Choice(1, 2 * BLOCK_TOKENS)


def test_what_the_only_slot_loses_is_told():
    assert chosen({0: content(1, 2, 3, 4)}, 1, 9) == Choice(0, BLOCK_TOKENS, loses=True)
    assert chosen({0: content(1, 2, 3, 4)}, 9) == Choice(0, 0, loses=True)


def test_a_slot_of_another_realm_has_nothing_in_common():
    free = {0: content(1, 2, realm=Realm(owner=1)), 1: None}
    assert chosen(free, 1, 2, realm=Realm(owner=2)) == Choice(1)
    assert chosen(free, 1, 2, realm=Realm(owner=1, scales=(0.5,))) == Choice(1)


@pytest.mark.parametrize(
    ("held", "num_common", "goes_on"),
    [
        (None, 0, True),
        (Content(realm=Realm(), num_tokens=100, is_exact=True), 51, True),
        (Content(realm=Realm(), num_tokens=100, is_exact=True), 50, False),
        (Content(realm=Realm(), num_tokens=100, is_exact=False), 99, False),
    ],
)
def test_the_engine_looks_into_its_memory_where_half_of_a_slot_is_lost(held, num_common, goes_on):
    assert engine_goes_on(held, num_common) is goes_on

from corral.cache.prefix import BLOCK_TOKENS, media_blocks, num_common, token_blocks

TOKENS = list(range(5 * BLOCK_TOKENS))


def test_a_longer_prompt_begins_with_the_blocks_of_a_shorter_one():
    short = token_blocks(TOKENS[: 3 * BLOCK_TOKENS])
    assert len(short) == 3
    assert token_blocks(TOKENS)[:3] == short


def test_only_whole_blocks_count():
    assert token_blocks(TOKENS[: BLOCK_TOKENS - 1]) == ()
    assert len(token_blocks(TOKENS[: 2 * BLOCK_TOKENS - 1])) == 1


def test_a_difference_changes_its_block_and_all_that_follow():
    changed = [*TOKENS]
    changed[2 * BLOCK_TOKENS] = 7
    one, other = token_blocks(TOKENS), token_blocks(changed)
    assert num_common(one, other) == 2
    assert all(a != b for a, b in zip(one[2:], other[2:], strict=True))


def test_equal_blocks_at_other_places_are_not_common():
    assert num_common(token_blocks(TOKENS), token_blocks(TOKENS[BLOCK_TOKENS:])) == 0


def test_common_blocks_are_counted_at_every_length():
    blocks = token_blocks(TOKENS)
    assert [num_common(blocks, blocks[:n]) for n in range(6)] == [0, 1, 2, 3, 4, 5]
    assert num_common((), blocks) == 0


def test_prompts_with_other_images_have_nothing_in_common():
    text = "look at this " * 100
    assert num_common(media_blocks(text, [b"cat"]), media_blocks(text, [b"cat"])) > 0
    assert num_common(media_blocks(text, [b"cat"]), media_blocks(text, [b"dog"])) == 0

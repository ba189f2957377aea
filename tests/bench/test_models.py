import gguf

from bench.models import Shape, byte_letters, silence, vocabulary, write_random
from corral.gguf import read_gguf


def test_a_vocabulary_has_no_token_twice_and_each_merge_makes_one():
    tokens, merges = vocabulary(2000)
    assert len(tokens) == len(set(tokens)) == 2000
    made = {merge.replace(" ", "") for merge in merges}
    assert made == set(tokens[3 + 256 :])


def test_every_byte_has_a_letter_of_its_own():
    letters = byte_letters()
    assert len(set(letters)) == 256
    assert (letters[ord("a")], letters[ord(" ")], letters[ord("\n")]) == ("a", "Ġ", "Ċ")


def test_a_random_model_is_whole_and_its_special_tokens_are_silent(tmp_path):
    path = tmp_path / "random.gguf"
    write_random(path, Shape(blocks=1, width=64, feed_forward=64, heads=1, kv_heads=1, vocabulary=300))
    silence(path)
    tensors = {tensor.name: tensor for tensor in read_gguf(path).tensors}
    assert len(tensors) == 3 + 11
    assert tuple(tensors["output.weight"].shape) == (64, 300)
    rows = {t.name: t.data for t in gguf.GGUFReader(path).tensors}["output.weight"]
    assert [bool(row.any()) for row in rows[:4]] == [False, False, False, True]

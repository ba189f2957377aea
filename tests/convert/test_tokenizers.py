"""Tokenizers and chat templates of checkpoints as keys of a GGUF file."""

from __future__ import annotations

import hashlib
import json

import pytest

from corral.convert.checkpoint import Checkpoint
from corral.convert.config import Config
from corral.convert.tokenizers import tokenizer_keys
from corral.convert.tokenizers.sentencepiece import read_sentencepiece
from corral.errors import CorruptData, Unsupported
from tests.helpers.engine_answers import with_engine

NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = range(1, 7)
G = "tokenizer.ggml."
QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
SPLIT = {"type": "Split", "pattern": {"Regex": QWEN}, "behavior": "Isolated"}
BYTES = {"type": "ByteLevel", "use_regex": False}


def bpe(*added, merges=("a b",), split=(SPLIT, BYTES), **more):
    return {
        "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": list(merges)},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": list(split)},
        "added_tokens": [{"id": id, "content": text, "special": special} for id, text, special in added],
        **more,
    }


@pytest.fixture
def keys(tmp_path):
    """The keys of these files (JSON, text or bytes); what was said is in `keys.said`."""

    def make(files, rows=6, config=None):
        paths = {}
        for name, content in files.items():
            path = tmp_path / name
            plain = isinstance(content, str | bytes)
            text = content if plain else json.dumps(content)
            path.write_bytes(text.encode() if isinstance(text, str) else text)
            paths[name] = path
        make.said = []
        return tokenizer_keys(Checkpoint(paths), Config(config or {}), rows, make.said.append)[0]

    return make


ENDS = [(3, "<|end|>", True), (4, "<tool>", False)]


def test_a_table_has_types_merges_and_as_many_tokens_as_the_network(keys):
    found = keys({"tokenizer.json": bpe(*ENDS)})
    assert found[f"{G}tokens"] == ["a", "b", "ab", "<|end|>", "<tool>", "[PAD5]"]
    assert found[f"{G}token_type"] == [NORMAL, NORMAL, NORMAL, CONTROL, USER, UNUSED]
    assert (found[f"{G}model"], found[f"{G}pre"], found[f"{G}merges"]) == ("gpt2", "qwen2", ["a b"])


def test_merges_may_be_pairs(keys):
    assert keys({"tokenizer.json": bpe(merges=[["a", "b"]])})[f"{G}merges"] == ["a b"]


SPLITTINGS = [
    ([SPLIT, BYTES], "qwen2", []),
    ([{"type": "ByteLevel", "use_regex": True}], "gpt-2", []),
    ([{"type": "Digits"}, {"type": "ByteLevel"}], "smollm", []),
    ([{"type": "Split", "pattern": {"Regex": "x"}}, BYTES], "default", ["not known"]),
]


@pytest.mark.parametrize(("split", "name", "said"), SPLITTINGS)
def test_the_way_of_splitting_words_has_a_name(keys, split, name, said):
    assert keys({"tokenizer.json": bpe(split=split)})[f"{G}pre"] == name
    assert all(part in line for part, line in zip(said, keys.said, strict=True))


def test_the_hash_of_a_known_splitting_is_that_of_its_pattern():
    wanted = "1ff7f41064896984db5d1bb6ff64fa4bc29007d08c1b439e505b7392777a319e"
    assert hashlib.sha256(QWEN.encode()).hexdigest() == wanted


ENDINGS = [
    ({"eos_token": "<|end|>"}, {}, {"eos_token_id": 3}),
    ({"eos_token": {"content": "<|end|>"}}, {}, {"eos_token_id": 3}),
    ({}, {"eos_token_id": [3, 4]}, {"eos_token_id": 3, "eos_token_ids": [3, 4], "eot_token_id": 4}),
    (
        {"eos_token": "<tool>"},
        {"eos_token_id": [3, 4]},
        {"eos_token_id": 4, "eos_token_ids": [3, 4], "eot_token_id": 3},
    ),
    ({"bos_token": "a", "add_bos_token": True}, {}, {"bos_token_id": 0, "add_bos_token": True}),
    ({"bos_token": "a"}, {}, {"bos_token_id": 0, "add_bos_token": False}),
    ({"eos_token": None}, {"eos_token_id": 99}, {}),
]


@pytest.mark.parametrize(("settings", "generation", "wanted"), ENDINGS)
def test_tokens_at_the_ends_of_a_text_are_known(keys, settings, generation, wanted):
    files = {"tokenizer.json": bpe(*ENDS), "tokenizer_config.json": settings}
    found = keys({**files, "generation_config.json": generation})
    names = ("eos_token_id", "eos_token_ids", "eot_token_id", "bos_token_id")
    own = {name: found[G + name] for name in names if G + name in found}
    own |= {"add_bos_token": found[f"{G}add_bos_token"]} if "bos_token_id" in own else {}
    assert own == wanted


def test_a_tokenizer_that_begins_every_text_says_so(keys):
    step = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<|end|>"}}, {"Sequence": {"id": "A"}}],
        "special_tokens": {"<|end|>": {"ids": [3]}},
    }
    tokenizer = bpe(*ENDS, post_processor={"type": "Sequence", "processors": [{"type": "ByteLevel"}, step]})
    found = keys({"tokenizer.json": tokenizer, "tokenizer_config.json": {"bos_token": "<|end|>"}})
    assert (found[f"{G}add_bos_token"], found[f"{G}add_eos_token"]) == (True, False)


TEMPLATES = [
    ({"tokenizer_config.json": {"chat_template": "one"}}, {"tokenizer.chat_template": "one"}),
    (
        {
            "tokenizer_config.json": {
                "chat_template": [
                    {"name": "default", "template": "one"},
                    {"name": "tool_use", "template": "two"},
                ]
            }
        },
        {"tokenizer.chat_template": "one", "tokenizer.chat_template.tool_use": "two"},
    ),
    ({"chat_template.json": {"chat_template": "three"}}, {"tokenizer.chat_template": "three"}),
    (
        {"chat_template.jinja": "four", "tokenizer_config.json": {"chat_template": "one"}},
        {"tokenizer.chat_template": "four"},
    ),
]


@pytest.mark.parametrize(("files", "wanted"), TEMPLATES)
def test_chat_templates_are_kept_wherever_they_stand(keys, files, wanted):
    found = keys({"tokenizer.json": bpe(), **files})
    assert {name: found[name] for name in found if "chat_template" in name} == wanted


BROKEN = [
    ({}, Unsupported, "unknown tokenizer format"),
    ({"tokenizer.json": {"model": {"type": "Unigram"}}}, Unsupported, 'unsupported tokenizer "Unigram"'),
    ({"tokenizer.json": bpe(merges=[3])}, CorruptData, "could not parse tokenizer merges"),
    (
        {"tokenizer.json": {"model": {"type": "BPE", "vocab": {"a": 0, "b": 0}}}},
        CorruptData,
        "ids of the vocabulary",
    ),
    ({"tokenizer.json": {"model": {"type": "BPE", "vocab": {"a": 1 << 40}}}}, CorruptData, "ids of the voc"),
    ({"tokenizer.json": bpe(), "tokenizer_config.json": {"chat_template": 3}}, CorruptData, "chat_template"),
    (
        {
            "tokenizer.json": {
                "model": {"type": "BPE", "vocab": {letter: n for n, letter in enumerate("abcdefgh")}}
            }
        },
        CorruptData,
        "8",
    ),
    ({"tokenizer.model": b"\xff\xff"}, CorruptData, "no SentencePiece model"),
    ({"tokenizer.model": b"\x0a\x7f"}, CorruptData, "no SentencePiece model"),
]


@pytest.mark.parametrize(("files", "kind", "message"), BROKEN)
def test_a_tokenizer_that_cannot_be_read_is_refused(keys, files, kind, message):
    with pytest.raises(kind, match=message):
        keys(files)


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    """A model that SentencePiece itself has learned, and the texts it has learned from."""
    sentencepiece = pytest.importorskip("sentencepiece")
    from tests.helpers.checkpoints import TEXTS

    prefix = tmp_path_factory.mktemp("pieces") / "tokenizer"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS),
        model_prefix=str(prefix),
        model_type="bpe",
        vocab_size=420,
        byte_fallback=True,
        character_coverage=1.0,
        split_digits=True,
        normalization_rule_name="identity",  # as the models have it: their texts are not tidied up
        remove_extra_whitespaces=False,
        minloglevel=2,
    )
    return prefix.with_suffix(".model"), TEXTS


@pytest.mark.slow
def test_pieces_are_read_as_sentencepiece_reads_them(pieces):
    import sentencepiece

    path, _ = pieces
    theirs = sentencepiece.SentencePieceProcessor(str(path))
    ours = read_sentencepiece(path.read_bytes())
    ids = range(theirs.vocab_size())
    assert ours.tokens == [theirs.id_to_piece(index) for index in ids]
    assert ours.scores == pytest.approx([theirs.get_score(index) for index in ids])
    assert [kind == BYTE for kind in ours.types] == [theirs.is_byte(index) for index in ids]
    assert [kind == CONTROL for kind in ours.types] == [theirs.is_control(index) for index in ids]


@pytest.mark.slow
def test_the_engine_splits_texts_as_sentencepiece_does(pieces, checkpoints, converted, tmp_path):
    import sentencepiece

    path, texts = pieces
    folder = tmp_path / "mistral"
    checkpoints.make("mistral", folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    (folder / "tokenizer.model").write_bytes(path.read_bytes())
    model, _ = converted(folder)
    theirs = sentencepiece.SentencePieceProcessor(str(path))
    found = with_engine(model, lambda ask: [ask.tokens(text) for text in texts])
    assert found == [[theirs.bos_id(), *theirs.encode(text)] for text in texts]


KINDS = ["llama", "mistral", "qwen2", "gemma2", "bert"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_engine_splits_texts_as_transformers_does(checkpoints, converted, tmp_path, kind):
    checkpoints.make(kind, tmp_path / kind)
    model, _ = converted(tmp_path / kind)
    tokenizer = checkpoints.tokenizer_of(tmp_path / kind)
    texts = [*checkpoints.TEXTS, "  two  spaces\n\n\tand a tab ", "naïve café ½ 🦙", "x" * 70]
    is_encoder = kind in checkpoints.ENCODERS
    found = with_engine(model, lambda ask: [ask.tokens(text) for text in texts], embedding=is_encoder)
    assert found == [tokenizer(text)["input_ids"] for text in texts]

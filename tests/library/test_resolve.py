from __future__ import annotations

import pytest

from corral.core.model import PromptMode
from corral.errors import CloudDisabled, GGUFError, InvalidInput, InvalidName, ModelNotFound


def test_a_name_is_found_whatever_its_case(shelf):
    shelf.make("Me/Tiny:V1")
    assert shelf.resolve("me/tiny:v1").name.short == "Me/Tiny:V1"


def test_exact_case_is_exact(shelf):
    shelf.make("tiny")
    assert shelf.resolve("tiny", exact_case=True).name.short == "tiny:latest"
    with pytest.raises(ModelNotFound):
        shelf.resolve("Tiny", exact_case=True)


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("Nope:Z", ModelNotFound, "model 'Nope:Z' not found"),
        ("   ", ModelNotFound, "model '   ' not found"),
        ("a//b", InvalidName, "invalid model name"),
        ("../tiny", InvalidName, "invalid model name"),
        ("tiny:local:cloud", InvalidInput, 'use either :local or :cloud, not both: "tiny:local:cloud"'),
        ("tiny:cloud", CloudDisabled, "ollama cloud is disabled: remote model is unavailable"),
    ],
)
def test_a_name_that_means_nothing_here_is_refused_as_it_was_sent(shelf, text, kind, message):
    shelf.make()
    with pytest.raises(kind) as caught:
        shelf.resolve(text)
    assert caught.value.message == message


def test_the_second_time_the_same_value_comes_back(shelf):
    shelf.make()
    assert shelf.resolve("tiny") is shelf.resolve("tiny")
    assert shelf.resolve("TINY") is shelf.resolve("tiny")


def test_a_change_of_the_manifest_is_seen(shelf):
    shelf.make()
    shelf.create("a", source="tiny", system="one")
    assert shelf.resolve("a").system == "one"
    shelf.create("a", source="tiny", system="two")
    assert shelf.resolve("a").system == "two"
    shelf.run(shelf.library.delete("a"))
    with pytest.raises(ModelNotFound):
        shelf.resolve("a")


def test_a_model_knows_its_network(shelf):
    network = shelf.make(metadata={"attention.head_count_kv": [2, 1], "pooling_type": 1}).network
    assert (network.architecture, network.num_blocks, network.context_length) == ("llama", 2, 256)
    assert (network.num_heads, network.num_kv_heads, network.parameter_count) == (4, 1, 448)
    assert (network.is_embedding, network.file_type, network.tokenizer) == (True, 1, "gpt2")


def test_a_chat_template_in_the_weights_makes_the_engine_render(shelf):
    model = shelf.make(metadata={"tokenizer.chat_template": "{{ tools }}<think></think>"})
    assert model.mode is PromptMode.NATIVE
    assert model.selected_template == "{{ tools }}<think></think>"
    assert model.capabilities == ("tools", "thinking", "completion")


def test_local_does_not_mean_a_stub(shelf):
    shelf.create("far", source="big", remote_host="example.com")
    with pytest.raises(ModelNotFound, match="'far:local'"):
        shelf.resolve("far:local")


def test_damaged_weights_never_get_as_far_as_the_engine(shelf):
    model = shelf.make()
    model.weights.write_bytes(b"GGUF" + bytes(3))
    fresh = type(shelf)(shelf.folder)
    with pytest.raises(GGUFError):
        fresh.resolve("tiny")
    assert [listed.name for listed in fresh.run(fresh.library.tags())] == ["tiny:latest"]

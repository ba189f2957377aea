"""A model of what a fine-tuning has made, on its way through store and registry."""

from __future__ import annotations

import json
import os
import time

import pytest

from corral.core.manifest import MEDIA_ADAPTER, MEDIA_CARD
from corral.errors import InvalidInput, NotFound
from corral.library import Tuned
from tests.helpers.docker_registry import docker_registry
from tests.helpers.lora import build_lora
from tests.helpers.shelf import Shelf

CARD = {"base": {"name": "base:latest"}, "created_at": 1.0}


@pytest.fixture
def tuned(shelf, tmp_path):
    """A model `me/helper` of the model `base`."""
    base = shelf.make("base")
    adapter = build_lora(tmp_path / "adapter.gguf", seed=1, width=64)
    made = Tuned(
        name="me/helper",
        base=base.manifest.encode(),
        base_name="base:latest",
        card=json.dumps(CARD).encode(),
        adapter=adapter,
    )
    shelf.run(shelf.library.make_tuned(made))
    return made


def test_it_is_shown_with_its_card(shelf, tuned):
    assert shelf.run(shelf.library.show("me/helper")).tuned == CARD
    assert shelf.run(shelf.library.show("base")).tuned is None


def test_it_uses_the_blobs_of_its_base(shelf, tuned):
    base, made = shelf.resolve("base"), shelf.resolve("me/helper")
    new = set(made.manifest.digests) - set(base.manifest.digests)
    kinds = {layer.digest: layer.media_type for layer in made.manifest.layers}
    assert sorted(kinds[digest] for digest in new if digest in kinds) == sorted((MEDIA_ADAPTER, MEDIA_CARD))


def test_a_copy_outlives_what_it_was_copied_from(shelf, tuned):
    shelf.run(shelf.library.copy("me/helper", "other"))
    shelf.run(shelf.library.delete("me/helper"))
    shelf.run(shelf.library.delete("base"))
    assert shelf.run(shelf.library.show("other")).tuned == CARD
    assert shelf.resolve("other").adapters[0].read_bytes() == tuned.adapter.read_bytes()


def test_a_model_that_is_built_upon_it_keeps_adapter_and_card(shelf, tuned):
    shelf.create("polite", source="me/helper", system="Be polite.")
    assert shelf.run(shelf.library.show("polite")).tuned == CARD
    assert len(shelf.resolve("polite").adapters) == 1


def test_nothing_of_it_is_pruned_and_all_of_it_is_verified(shelf, tuned):
    for path in shelf.store.blobs.directory.iterdir():
        os.utime(path, (1, 1))
    assert shelf.store.prune(now=time.time()) == []
    card = next(
        layer for layer in shelf.resolve("me/helper").manifest.layers if layer.media_type == MEDIA_CARD
    )
    shelf.store.blobs.directory.joinpath(card.digest.replace(":", "-")).write_bytes(b"{}")
    found = shelf.records(shelf.library.upkeep.verify(["me/helper"]))
    assert [record.digest for record in found if hasattr(record, "problem")] == [card.digest]


def test_a_card_that_is_none_is_not_shown(shelf, tuned):
    made = Tuned(**{name: getattr(tuned, name) for name in tuned.__slots__} | {"card": b"[1]"})
    shelf.run(shelf.library.make_tuned(made))
    assert shelf.run(shelf.library.show("me/helper")).tuned is None


def test_without_its_base_it_cannot_be_made(shelf, tuned):
    shelf.run(shelf.library.delete("me/helper"))
    shelf.run(shelf.library.delete("base"))
    with pytest.raises(NotFound, match="the base 'base:latest' is no longer in the store"):
        shelf.run(shelf.library.make_tuned(tuned))
    assert shelf.names == []


def test_an_adapter_of_another_architecture_is_refused(shelf, tuned, tmp_path):
    other = build_lora(tmp_path / "qwen.gguf", seed=1, architecture="qwen3")
    made = Tuned(**{name: getattr(tuned, name) for name in tuned.__slots__} | {"adapter": other, "name": "x"})
    with pytest.raises(InvalidInput, match="is for qwen3, the model is llama"):
        shelf.run(shelf.library.make_tuned(made))
    assert "x:latest" not in shelf.names


@pytest.mark.slow
def test_it_is_pushed_and_pulled_with_all_its_layers(shelf, tuned, tmp_path):
    with docker_registry(tmp_path / "registry") as host:
        name = f"{host}/me/helper:v1"
        shelf.run(shelf.library.copy("me/helper", name))
        pushed = shelf.records(shelf.library.push(name, insecure=True))
        assert pushed[-1].status == "success"
        (tmp_path / "far").mkdir()
        far = Shelf(tmp_path / "far")
        assert far.records(far.library.pull(name, insecure=True))[-1].status == "success"
        assert far.resolve(name).manifest == shelf.resolve(name).manifest
        assert far.run(far.library.show(name)).tuned == CARD
        assert far.resolve(name).adapters[0].read_bytes() == tuned.adapter.read_bytes()

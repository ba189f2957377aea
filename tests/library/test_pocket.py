from __future__ import annotations

import pytest

from corral import pocket
from corral.errors import ModelNotFound
from tests.helpers.gguf_files import build_gguf


@pytest.fixture
def packaged(tmp_path, monkeypatch):
    path = build_gguf(tmp_path / "pocket.gguf")
    monkeypatch.setattr(pocket, "weights", lambda: path)
    return path


def test_the_packaged_model_is_there_when_it_is_asked_for(shelf, packaged):
    model = shelf.resolve("Pocket")
    assert model.name.short == "pocket:latest"
    assert model.weights.read_bytes() == packaged.read_bytes()
    assert dict(model.parameters) == dict(pocket.PARAMETERS)
    assert model.licenses == (pocket.LICENSE,)


def test_pulling_it_needs_no_network(shelf, packaged):
    steps = [record.status for record in shelf.records(shelf.library.pull("pocket"))]
    assert steps == ["pulling manifest", "success"]
    assert shelf.names == ["pocket:latest"]


def test_it_can_be_built_upon_and_copied(shelf, packaged):
    shelf.create("mine", source="pocket", system="S")
    shelf.run(shelf.library.copy("pocket", "second"))
    assert shelf.names == ["mine:latest", "pocket:latest", "second:latest"]


def test_it_is_not_listed_before_it_was_asked_for(shelf, packaged):
    assert shelf.run(shelf.library.tags()) == []


def test_a_build_without_it_does_not_find_it(shelf, monkeypatch):
    monkeypatch.setattr(pocket, "weights", lambda: None)
    with pytest.raises(ModelNotFound):
        shelf.resolve("pocket")

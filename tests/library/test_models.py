"""Listing, copying, deleting, uploading: small use cases on whole models."""

from __future__ import annotations

import os

import pytest

from corral.core.digests import Digest
from corral.errors import CorralError, InvalidInput, InvalidName, ModelNotFound
from corral.library import CreateRequest, Details


def tags(shelf):
    return shelf.run(shelf.library.tags())


def test_an_empty_store_has_no_models(shelf):
    assert tags(shelf) == []


def test_the_newest_model_comes_first(shelf):
    shelf.make()
    for age, name in enumerate(("c", "a", "b")):
        shelf.create(name, source="tiny")
        os.utime(shelf.store.manifests.path(shelf.resolve(name).name), (1000 - age, 1000 - age))
    assert [model.name for model in tags(shelf)][1:] == ["c:latest", "a:latest", "b:latest"]


def test_a_list_tells_what_show_tells(shelf):
    model = shelf.make(metadata={"tokenizer.chat_template": "{{ tools }}"})
    (listed,) = tags(shelf)
    assert (listed.digest, listed.size, listed.modified_at) == (model.digest, model.size, model.modified_at)
    assert listed.capabilities == ("tools", "completion")
    assert listed.details == Details(
        format="gguf",
        family="llama",
        families=("llama",),
        parameter_size="448",
        quantization_level="F16",
        context_length=256,
        embedding_length=64,
    )


def test_models_that_cannot_be_read_are_left_out(shelf):
    shelf.make("good")
    shelf.create("bad", source="good", parser="qwen3")
    config = shelf.resolve("bad").manifest.config
    shelf.store.blobs.path(Digest.parse(config.digest)).write_text("no json")
    assert [model.name for model in tags(type(shelf)(shelf.folder))] == ["good:latest"]


def test_a_copy_is_a_second_name(shelf):
    shelf.make()
    shelf.run(shelf.library.copy("TINY", "me/second:V2"))
    assert shelf.resolve("me/second:v2").digest == shelf.resolve("tiny").digest


def test_copying_onto_itself_changes_nothing(shelf):
    before = shelf.make()
    shelf.run(shelf.library.copy("tiny", "Tiny"))
    assert shelf.resolve("tiny") is before


@pytest.mark.parametrize(
    ("source", "destination", "kind", "message"),
    [
        ("Nope:Z", "x", ModelNotFound, 'model "Nope:Z" not found'),
        ("a b", "x", InvalidName, 'source "a b" is invalid'),
        ("tiny", "-x", InvalidName, 'destination "-x" is invalid'),
    ],
)
def test_a_copy_that_cannot_be_made_says_why(shelf, source, destination, kind, message):
    shelf.make()
    with pytest.raises(CorralError) as caught:
        shelf.run(shelf.library.copy(source, destination))
    assert (type(caught.value), caught.value.message) == (kind, message)


def test_a_delete_removes_the_blobs_that_no_other_model_needs(shelf):
    weights = shelf.make().manifest.layers[0].digest
    shelf.create("two", source="tiny", system="mine")
    system = shelf.resolve("two").manifest.layers[-1].digest
    shelf.run(shelf.library.delete("TWO"))
    assert (shelf.has_blob(system), shelf.has_blob(weights)) == (False, True)
    shelf.run(shelf.library.delete("tiny"))
    assert list(shelf.store.blobs.directory.iterdir()) == []


def test_a_stub_of_the_cloud_is_deleted_under_either_name(shelf):
    shelf.create("m:20b-cloud", source="m:20b", remote_host="ollama.com")
    shelf.run(shelf.library.delete("m:20b:cloud"))
    assert shelf.names == []


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("", InvalidInput, "model is required"),
        ("a b", InvalidName, 'name "a b" is invalid'),
        ("NOPE", ModelNotFound, "model 'NOPE' not found"),
        ("x:local:cloud", InvalidInput, 'use either :local or :cloud, not both: "x:local:cloud"'),
    ],
)
def test_a_delete_that_cannot_be_done_says_why(shelf, text, kind, message):
    with pytest.raises(CorralError) as caught:
        shelf.run(shelf.library.delete(text))
    assert (type(caught.value), caught.value.message) == (kind, message)


def test_blobs_of_a_create_in_progress_survive_a_delete(shelf):
    weights = shelf.make().manifest.layers[0].digest

    async def scenario():
        steps = shelf.library.create(CreateRequest(model="two", source="tiny"))
        await anext(steps)
        await shelf.library.delete("tiny")
        return [record.status async for record in steps]

    assert shelf.run(scenario())[-1] == "success"
    assert shelf.has_blob(weights)


async def pieces(*parts):
    for part in parts:
        yield part


def test_an_upload_is_stored_under_its_digest(shelf):
    digest = Digest.of(b"hello")
    assert shelf.run(shelf.library.receive_blob(str(digest), pieces(b"hel", b"lo")))
    assert shelf.run(shelf.library.has_blob(digest.file_name))
    assert shelf.store.blobs.read(digest) == b"hello"


def test_an_upload_of_what_is_there_is_not_read(shelf):
    digest = shelf.store.blobs.add_bytes(b"hello")
    assert not shelf.run(shelf.library.receive_blob(str(digest), pieces(b"something else")))


def test_an_upload_of_other_bytes_is_dropped(shelf):
    with pytest.raises(InvalidInput, match=r'^digest mismatch, expected "sha256:0000') as caught:
        shelf.run(shelf.library.receive_blob("sha256:" + "0" * 64, pieces(b"hello")))
    assert caught.value.message.endswith(f'got "{Digest.of(b"hello")}"')
    assert list(shelf.store.blobs.directory.iterdir()) == []


@pytest.mark.parametrize("text", ["sha256:abc", "../../x", "md5:" + "ab" * 32])
def test_a_digest_that_is_none_is_refused(shelf, text):
    with pytest.raises(InvalidInput, match=r"^invalid digest format$"):
        shelf.run(shelf.library.has_blob(text))

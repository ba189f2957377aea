"""Creating a model whose weights get another type, through the real child."""

from __future__ import annotations

import asyncio
import struct
from contextlib import aclosing

import pytest

from corral.core.digests import Digest
from corral.errors import CreateError
from corral.gguf import TensorInfo, read_gguf, write_gguf
from corral.library import CreateRequest

NO_DIGEST = "0" * 19


def weights_of(shelf, model="made"):
    layer = shelf.resolve(model).manifest.layers[0]
    return read_gguf(shelf.store.blobs.path(Digest.parse(layer.digest)))


def leftovers(shelf):
    return [path.name for path in shelf.store.blobs.directory.iterdir() if len(path.name) != 71]


def test_the_steps_of_a_quantized_import_come_in_order(shelf):
    steps = shelf.create("made", files=shelf.gguf(), quantize="q8_0")
    assert list(dict.fromkeys(steps)) == [
        "parsing GGUF",
        "quantizing F16 model to Q8_0",
        "verifying conversion",
        "creating new layer",
        "writing manifest",
        "success",
    ]


def test_progress_counts_the_bytes_of_the_source(shelf):
    size = shelf.make().manifest.layers[0].size
    request = CreateRequest(model="made", source="tiny", quantize="Q8_0")
    counted = [record for record in shelf.records(shelf.library.create(request)) if record.total]
    assert {(record.digest, record.total) for record in counted} == {(NO_DIGEST, size)}
    assert counted[-1].completed == size


@pytest.mark.parametrize(
    ("asked", "level", "kind"),
    [
        ("q8_0", "Q8_0", "Q8_0"),
        ("Q4_K", "Q4_K_M", "Q8_0"),  # rows of 64 are no whole blocks of 256
        ("q4_k_s", "Q4_K_S", "Q8_0"),
        ("BF16", "BF16", "BF16"),
        ("f32", "F32", "F32"),
    ],
)
def test_model_and_file_say_the_new_type(shelf, asked, level, kind):
    shelf.make()
    shelf.create("made", source="tiny", quantize=asked)
    found = weights_of(shelf)
    # F32 is called unknown wherever clients see it.
    assert shelf.resolve("made").config.file_type == (level if level != "F32" else "unknown")
    assert {tensor.name: tensor.type_name for tensor in found.tensors}["token_embd.weight"] == kind
    assert found.value("general.quantization_version") == 2


def test_full_precision_can_be_quantized(shelf):
    shelf.make(metadata={"general.file_type": 0})
    steps = shelf.create("made", source="tiny", quantize="q8_0")
    assert "quantizing F32 model to Q8_0" in steps
    assert shelf.resolve("made").config.file_type == "Q8_0"


def test_the_source_stays_as_it_was(shelf):
    before = shelf.make()
    shelf.create("made", source="tiny", quantize="q8_0")
    assert shelf.resolve("tiny") == before


def test_a_draft_is_quantized_on_its_own(shelf):
    shelf.make()
    draft = shelf.gguf("draft.gguf", seed=1)
    shelf.create("made", source="tiny", draft_files=draft, draft_quantize="q8_0")
    model = shelf.resolve("made")
    assert read_gguf(model.draft).file_type == 7
    assert read_gguf(model.weights).file_type == 1


def broken(shelf):
    """A model file with a number that is none."""

    def data(tensor):
        yield struct.pack("<256e", *[float("nan")] * 256)

    path = shelf.folder / "broken.gguf"
    with path.open("wb") as file:
        metadata = {"general.architecture": "llama", "general.file_type": 1, "block_count": 1}
        write_gguf(file, metadata, [TensorInfo("token_embd.weight", (64, 4), 1)], data)
    return {"broken.gguf": shelf.upload(path)}


def test_weights_that_are_no_numbers_make_no_model(shelf):
    with pytest.raises(CreateError, match=r"tensor 'token_embd\.weight' has invalid data"):
        shelf.create("made", files=broken(shelf), quantize="q8_0")
    assert (shelf.names, leftovers(shelf)) == ([], [])


def test_a_create_that_is_left_leaves_no_file(shelf):
    request = CreateRequest(model="made", files=shelf.gguf(), quantize="q8_0")

    async def leave():
        async with aclosing(shelf.library.create(request)) as records:
            async for record in records:
                if record.total:
                    return record.status
            return ""

    assert asyncio.run(leave()) == "quantizing F16 model to Q8_0"
    assert (shelf.names, leftovers(shelf)) == ([], [])

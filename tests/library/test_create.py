from __future__ import annotations

import pytest

from corral.convert import FILE_TYPES
from corral.core.messages import Message
from corral.errors import CorralError, CreateError, InvalidInput, InvalidName
from corral.gguf import TensorInfo
from tests.helpers.gguf_files import build_gguf

ABSENT = "sha256:" + "0" * 64
IMPORTED = ["parsing GGUF", "verifying conversion", "using existing layer", "writing manifest", "success"]


def test_an_import_keeps_the_bytes_of_the_file(shelf):
    files = shelf.gguf()
    assert shelf.create("tiny", files=files) == IMPORTED
    (layer,) = shelf.resolve("tiny").manifest.layers
    assert layer.digest == files["tiny.gguf"]
    assert layer.origin == ""


def test_the_config_says_what_the_header_says(shelf):
    config = shelf.make().config
    assert (config.model_format, config.model_family, config.model_families) == ("gguf", "llama", ("llama",))
    assert (config.model_type, config.file_type) == ("448", "F16")


def test_a_model_from_another_reuses_its_layers(shelf):
    shelf.make()
    assert shelf.create("two", source="tiny") == ["using existing layer", "writing manifest", "success"]
    (layer,) = shelf.resolve("two").manifest.layers
    assert layer.origin == "tiny:latest"


def test_everything_that_a_request_adds_is_in_the_model(shelf):
    shelf.make()
    steps = shelf.create(
        "all",
        source="tiny",
        template="{{ .Prompt }}!",
        system="Be <kind>.",
        license=["L1", "L2"],
        parameters={"temperature": 0.5, "stop": ["a"]},
        messages=(Message("user", "q"), Message("assistant", "r")),
        renderer="qwen3-coder",
        parser="qwen3-coder",
        requires="0.14.0",
    )
    model = shelf.resolve("all")
    assert steps == [
        "using existing layer",
        *["creating new layer"] * 6,
        "writing manifest",
        "success",
    ]
    assert (model.template, model.system, model.licenses) == ("{{ .Prompt }}!", "Be <kind>.", ("L1", "L2"))
    assert dict(model.parameters) == {"temperature": 0.5, "stop": ["a"]}
    assert model.messages == (Message("user", "q"), Message("assistant", "r"))
    assert (model.config.renderer, model.config.requires) == ("qwen3-coder", "0.14.0")


def test_parameters_are_merged_and_licenses_added_while_texts_are_replaced(shelf):
    shelf.make()
    shelf.create("base", source="tiny", system="one", license="L1", parameters={"top_k": 1, "top_p": 0.5})
    shelf.create("next", source="base", system="two", license="L2", parameters={"top_p": 0.9})
    model = shelf.resolve("next")
    assert (model.system, model.licenses) == ("two", ("L1", "L2"))
    assert dict(model.parameters) == {"top_k": 1, "top_p": 0.9}


def test_equal_requests_make_models_of_equal_digest(shelf):
    shelf.make()
    shelf.create("a", source="tiny", system="S", parameters={"top_k": 1, "seed": 2})
    shelf.create("b", source="tiny", system="S", parameters={"seed": 2, "top_k": 1})
    assert shelf.resolve("a").digest == shelf.resolve("b").digest


def test_creating_over_a_model_removes_what_only_it_used(shelf):
    shelf.make()
    shelf.create("a", source="tiny", system="old")
    old = shelf.resolve("a").manifest.layers[-1].digest
    shelf.create("A", source="tiny", system="new")
    assert shelf.names == ["a:latest", "tiny:latest"]
    assert shelf.resolve("a").system == "new"
    assert not shelf.has_blob(old)


def test_an_adapter_and_a_projector_get_layers_of_their_kind(shelf):
    files = shelf.gguf() | shelf.gguf("mm.gguf", metadata={"general.type": "mmproj"}, seed=1)
    adapter = shelf.gguf("lora.gguf", metadata={"general.type": "adapter"}, seed=2)
    shelf.create("tiny", files=files, adapters=adapter)
    model = shelf.resolve("tiny")
    assert [path.name for path in model.projectors] == [files["mm.gguf"].replace(":", "-")]
    assert [path.name for path in model.adapters] == [adapter["lora.gguf"].replace(":", "-")]
    assert model.config.model_families == ("llama",)
    assert "vision" in model.capabilities


def test_an_old_projector_learns_its_type(shelf):
    metadata = {"clip.has_vision_encoder": True}
    files = shelf.gguf() | shelf.gguf("mm.gguf", architecture="clip", metadata=metadata)
    assert "updating GGUF projector metadata" in shelf.create("tiny", files=files)
    shown = shelf.run(shelf.library.show("tiny"))
    assert shown.projector_info["clip.projector_type"] == "mlp"


def test_a_draft_is_named_in_the_config(shelf):
    shelf.create("tiny", files=shelf.gguf(), draft_files=shelf.gguf("draft.gguf", seed=3))
    model = shelf.resolve("tiny")
    assert model.config.draft.architecture == "llama"
    assert model.draft.is_file()


def test_a_well_known_chat_template_brings_its_named_template(shelf):
    chatml = (
        "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + "
        "'<|im_end|>' + '\\n'}}{% endfor %}"
    )
    files = shelf.gguf(metadata={"tokenizer.chat_template": chatml})
    assert "using autodetected template chatml" in shelf.create("tiny", files=files)
    assert shelf.resolve("tiny").parameters["stop"] == ["<|im_start|>", "<|im_end|>"]


def test_an_architecture_brings_its_renderer(shelf):
    metadata = {"general.file_type": 1, "block_count": 1}
    model = shelf.make(architecture="gemma4", metadata=metadata)
    assert (model.config.renderer, model.config.parser) == ("gemma4", "gemma4")
    assert dict(model.parameters) == {"stop": ["<turn|>"]}


def test_shards_are_merged_into_one_file(shelf):
    whole = [TensorInfo(f"blk.{index}.attn_norm.weight", (64,), 0) for index in range(2)]
    files = {}
    for index, tensor in enumerate(whole):
        name = f"big-0000{index + 1}-of-00002.gguf"
        metadata = {"split.no": index, "split.count": 2, "general.alignment": 32}
        files |= shelf.gguf(name, metadata=metadata, tensors=[tensor], seed=index)
    shelf.create("big", files=files)
    model = shelf.resolve("big")
    shown = shelf.run(shelf.library.show("big"))
    assert [tensor.name for tensor in shown.tensors] == [tensor.name for tensor in whole]
    assert not any("split" in key for key in shown.model_info)
    assert model.network.parameter_count == 128
    assert model.weights.read_bytes()[-512:] == bytes(256) + b"\1" * 256


@pytest.mark.parametrize(
    ("name", "metadata", "message"),
    [
        ("x.gguf", {"split.no": 0, "split.count": 2}, "must use llama.cpp split filename pattern"),
        ("x-00001-of-00003.gguf", {"split.no": 0, "split.count": 2}, "filename count 3 does not match"),
        ("x-00001-of-00002.gguf", {"split.count": 2}, "is missing split.no metadata"),
        ("x-00002-of-00002.gguf", {"split.no": 0, "split.count": 2}, "filename index 1 does not match"),
        ("x-00001-of-00002.gguf", {"split.no": 0, "split.count": 2}, "has 1 shards, expected 2"),
    ],
)
def test_shards_that_do_not_fit_together_are_refused(shelf, name, metadata, message):
    with pytest.raises(InvalidInput, match=message):
        shelf.create("big", files=shelf.gguf(name, metadata=metadata))


def test_a_stub_names_its_server(shelf):
    shelf.create("far", source="big:v1", remote_host="example.com", info={"model_family": "llama"})
    model = shelf.resolve("far")
    assert (model.config.remote_host, model.config.remote_model) == ("http://example.com:11434", "big:v1")
    assert model.is_remote


def test_info_overrules_the_header(shelf):
    info = {
        "capabilities": ["tools"],
        "parameter_size": "7B",
        "quantization_level": "MXFP4",
        "context_length": 9,
    }
    shelf.create("tiny", files=shelf.gguf(), info=info)
    config = shelf.resolve("tiny").config
    assert (config.capabilities, config.model_type, config.file_type) == (("tools",), "7B", "MXFP4")
    assert config.context_length == 9


def test_quantizing_to_the_type_that_is_there_does_nothing(shelf):
    files = shelf.gguf()
    assert shelf.create("tiny", files=files, quantize="f16")[-1] == "success"
    assert shelf.resolve("tiny").manifest.layers[0].digest == files["tiny.gguf"]


REFUSED = [
    ({}, InvalidInput, "neither 'from' or 'files' was specified"),
    ({"model": "-x", "source": "tiny"}, InvalidName, "invalid model name"),
    ({"model": "", "source": "tiny"}, InvalidName, "invalid model name"),
    ({"source": "a b"}, InvalidName, "invalid model name"),
    ({"source": "tiny:local:cloud"}, InvalidName, "invalid model name"),
    ({"files": {}}, InvalidInput, "unknown type"),
    ({"files": {"a.gguf": "sha256:zz"}}, CreateError, "invalid digest format"),
    ({"files": {"a.gguf": ""}}, InvalidInput, "invalid digest format"),
    ({"files": {"/etc/a.gguf": ABSENT}}, InvalidInput, "file path must be relative"),
    ({"files": {"a/../b.gguf": ABSENT}}, InvalidInput, "file path must be relative"),
    ({"files": {"a/": ABSENT}}, InvalidInput, "file path must be relative"),
    ({"files": {"a.gguf": ABSENT}}, CreateError, f"open sha256-{'0' * 64}: no such file or directory"),
    ({"source": "tiny", "adapters": {"a": ""}}, InvalidInput, "invalid digest format"),
    ({"source": "tiny", "draft_quantize": "q8_0"}, InvalidInput, "--draft-quantize requires a DRAFT model"),
    ({"source": "tiny", "license": 5}, CreateError, "license must be a string or an array of strings"),
    ({"source": "x", "remote_host": "a b"}, InvalidInput, "bad remote"),
    (
        {"source": "x", "remote_host": "h", "draft_files": {"a": ABSENT}},
        InvalidInput,
        "DRAFT cannot be used with remote models",
    ),
    (
        {"source": "x", "remote_host": "h", "info": {"context_length": -5}},
        InvalidInput,
        'info field "context_length" must be a non-negative integer',
    ),
    (
        {"source": "tiny", "quantize": "q9"},
        CreateError,
        f"unsupported quantization type Q9 - supported types are {', '.join(FILE_TYPES)}",
    ),
]


@pytest.mark.parametrize(("fields", "kind", "message"), REFUSED)
def test_a_request_that_cannot_be_done_says_why_and_changes_nothing(shelf, fields, kind, message):
    shelf.make()
    with pytest.raises(CorralError) as caught:
        shelf.create(**{"model": "made", **fields})
    assert (type(caught.value), caught.value.message) == (kind, message)
    assert shelf.names == ["tiny:latest"]


def test_a_template_that_does_not_parse_is_refused(shelf):
    shelf.make()
    with pytest.raises(InvalidInput, match=r"^template error: "):
        shelf.create("made", source="tiny", template="{{ .Prompt")


@pytest.mark.parametrize(
    ("name", "message"),
    [("a.gguf", "supplied file was not in GGUF format"), ("a.bin", "unknown type")],
)
def test_files_that_are_no_models_are_refused(shelf, tmp_path, name, message):
    (tmp_path / name).write_text("this is no model")
    with pytest.raises(InvalidInput, match=message):
        shelf.create("made", files={name: shelf.upload(tmp_path / name)})


def test_a_damaged_gguf_is_refused(shelf, tmp_path):
    path = build_gguf(tmp_path / "cut.gguf")
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(CreateError, match=r"^failed to validate GGUF cut\.gguf: "):
        shelf.create("made", files={"cut.gguf": shelf.upload(path)})
    assert shelf.names == []


def test_quantized_weights_are_not_quantized_again(shelf):
    shelf.make(metadata={"general.file_type": 15})
    with pytest.raises(CreateError, match="only supported for F16, BF16 and F32 models"):
        shelf.create("made", source="tiny", quantize="q8_0")


def test_several_adapters_keep_their_order_and_names(shelf):
    shelf.make()
    adapters = shelf.gguf("tone.gguf", seed=1) | shelf.gguf("style.gguf", seed=2)
    shelf.create("made", source="tiny", adapters=adapters, parameters={"adapters": {"style": 0.5}})
    model = shelf.resolve("made")
    assert model.adapter_names == ("tone", "style")
    assert [f"sha256:{path.name[7:]}" for path in model.adapters] == list(adapters.values())
    assert model.parameters["adapters"] == ["2=0.5"]


def test_adapters_of_one_name_in_several_folders_are_all_kept(shelf):
    shelf.make("tiny")
    digests = [next(iter(shelf.gguf("lora.gguf", seed=seed).values())) for seed in (1, 2, 3)]
    names = ["a/lora.gguf", "b/lora.gguf", "b/tone.gguf"]
    shelf.create("made", source="tiny", adapters=dict(zip(names, digests, strict=True)))
    model = shelf.resolve("made")
    assert model.adapter_names == ("a/lora.gguf", "b/lora.gguf", "tone")
    assert [path.name.replace("-", ":") for path in model.adapters] == digests


def test_an_adapter_of_another_architecture_is_refused(shelf):
    shelf.make()
    adapters = shelf.gguf("a.gguf", architecture="qwen3", metadata={"general.type": "adapter"})
    with pytest.raises(InvalidInput, match=r'^adapter "a" is for qwen3, the model is llama$'):
        shelf.create("made", source="tiny", adapters=adapters)

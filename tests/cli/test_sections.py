from __future__ import annotations

import pytest

from corral.cli.sections import general, metadata_text, model_sections

SHOWN = {
    "details": {"parameter_size": "3.93M", "quantization_level": "F16", "family": "llama"},
    "model_info": {
        "general.architecture": "llama",
        "general.parameter_count": 3930000,
        "llama.context_length": 2048,
        "llama.embedding_length": 256,
    },
    "capabilities": ["tools", "completion"],
    "parameters": 'num_ctx                        1024\nstop                           "<|im_end|>"',
    "system": "You are helpful.",
    "license": "MIT\n\nSecond line\nThird line\n",
    "tensors": [{"name": "output.weight", "type": "F16", "shape": [256, 512]}],
}


def test_all_sections_appear_in_order():
    assert model_sections(SHOWN) == (
        "  Model\n"
        "    architecture        llama    \n"
        "    parameters          3.93M    \n"
        "    context length      2048     \n"
        "    embedding length    256      \n"
        "    quantization        F16      \n"
        "\n"
        "  Capabilities\n"
        "    tools         \n"
        "    completion    \n"
        "\n"
        "  Parameters\n"
        "    num_ctx    1024            \n"
        '    stop       "<|im_end|>"    \n'
        "\n"
        "  System\n"
        "    You are helpful.    \n"
        "\n"
        "  License\n"
        "    MIT            \n"
        "    Second line    \n"
        "    ...            \n"
        "\n"
    )


def test_verbose_adds_metadata_and_tensors():
    text = model_sections(SHOWN, verbose=True)
    assert "  Metadata\n    general.architecture       llama       \n" in text
    assert "    general.parameter_count    3.93e+06    \n" in text
    assert "  Tensors\n    output.weight    F16    [256 512]    \n\n" in text


def test_a_model_without_metadata_shows_its_family():
    text = model_sections(
        {"details": {"family": "bert", "parameter_size": "2M", "quantization_level": "F16"}}
    )
    assert text == (
        "  Model\n    architecture    bert    \n    parameters      2M      \n"
        "    quantization    F16     \n\n"
    )


def test_a_projector_has_its_own_section():
    info = {"general.architecture": "clip", "general.parameter_count": 1_500_000_000}
    info |= {"clip.vision.embedding_length": 1024, "clip.vision.projection_dim": 4096}
    assert (
        "  Projector\n"
        "    architecture        clip    \n"
        "    parameters          1.5B    \n"
        "    embedding length    1024    \n"
        "    dimensions          4096    \n"
    ) in model_sections({"projector_info": info})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        ("word", "word"),
        (None, "<nil>"),
        (512, "512"),
        (2368768, "2.368768e+06"),
        (1e-12, "1e-12"),
        (0.5, "0.5"),
        ([3] * 512, "[3 3 3 ...+509 more]"),
        (["[PAD]", "[UNK]", "x"], "[[PAD] ...+2 more]"),
        ([1, 2], "[1 2]"),
        ([], "[]"),
        ([1048576.0], "[1048576]"),
        ({"a": 1}, "map[string]interface {}"),
    ],
)
def test_metadata_is_shortened_to_fit_a_column(value, text):
    assert metadata_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (100000.0, "100000"),
        (1000000.0, "1e+06"),
        (123456.789, "123456.789"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (-2.5, "-2.5"),
        (1e300, "1e+300"),
        (float("inf"), "+Inf"),
    ],
)
def test_numbers_have_the_general_form(value, text):
    assert general(value, 6) == text

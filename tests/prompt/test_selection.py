import logging

import pytest

from corral.core.manifest import ModelConfig
from corral.core.model import Network, PromptMode
from corral.prompt import capabilities, select_mode

PLAIN = "{{ range .Messages }}{{ .Content }}{{ end }}"
TOOLS = "{{ .Tools }}{{ range .Messages }}{{ .Content }}{{ end }}"
ROUND_TRIP = '{{ .Tools }}{{ range .Messages }}{{ if eq .Role "tool" }}{{ .ToolCalls }}{{ end }}{{ end }}'
HARMONY = "<|start|><|end|>{{ range .Messages }}{{ end }}"
JINJA = "{{ messages }}"
JINJA_TOOLS = "{{ tools }}"
JINJA_ROUND_TRIP = "{{ tools }}{{ tool_calls }}<tool_response>"
JINJA_ALL = JINJA_ROUND_TRIP + "<think></think>"


@pytest.mark.parametrize(
    ("config", "template", "chat_template", "setting", "mode"),
    [
        ({"renderer": "qwen3-coder"}, PLAIN, JINJA_ALL, None, PromptMode.FAMILY),
        ({"parser": "no-such"}, None, JINJA_ALL, None, PromptMode.FAMILY),
        ({"model_family": "gptoss"}, HARMONY, JINJA_ALL, None, PromptMode.HARMONY),
        ({"model_family": "gptoss"}, PLAIN, "", None, PromptMode.TEMPLATE),
        ({}, PLAIN, "", None, PromptMode.TEMPLATE),
        ({}, PLAIN, JINJA, None, PromptMode.TEMPLATE),
        ({}, None, JINJA, None, PromptMode.NATIVE),
        ({}, None, "", None, PromptMode.NATIVE),
        ({}, None, JINJA, True, PromptMode.NATIVE),
        ({}, PLAIN, JINJA_TOOLS, None, PromptMode.NATIVE),
        ({}, PLAIN, JINJA_TOOLS, True, PromptMode.TEMPLATE),
        ({}, PLAIN, JINJA, False, PromptMode.NATIVE),
        ({}, TOOLS, JINJA_TOOLS, None, PromptMode.TEMPLATE),
        ({}, TOOLS, JINJA_ROUND_TRIP, None, PromptMode.NATIVE),
        ({}, ROUND_TRIP, JINJA_ROUND_TRIP, None, PromptMode.TEMPLATE),
        ({}, ROUND_TRIP, JINJA_ALL, None, PromptMode.NATIVE),
        ({}, ROUND_TRIP, JINJA_TOOLS + "<think></think>", None, PromptMode.TEMPLATE),
    ],
)
def test_the_mode_follows_from_what_the_model_has(config, template, chat_template, setting, mode):
    assert select_mode(ModelConfig(**config), template, chat_template, setting).mode is mode


def found(config=None, template=None, projectors=(), setting=None, **network):
    config = ModelConfig(**(config or {}))
    network = Network(**network)
    selection = select_mode(config, template, network.chat_template, setting)
    return capabilities(config, selection, template, network, projectors)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "completion"),
        ({"is_embedding": True}, "embedding"),
        ({"chat_template": JINJA_ALL}, "tools thinking completion"),
        ({"chat_template": JINJA_ALL, "template": ROUND_TRIP, "setting": True}, "completion tools"),
        ({"template": "{{ .Prompt }}{{ .Suffix }}{{ .Response }}"}, "completion insert"),
        ({"has_vision": True, "has_audio": True}, "completion vision audio"),
        ({"config": {"parser": "qwen3-thinking"}, "template": TOOLS}, "completion tools thinking"),
        ({"config": {"parser": "no-such"}}, "completion"),
        ({"config": {"model_family": "gptoss"}, "template": HARMONY}, "completion tools thinking"),
        ({"config": {"model_family": "gpt-oss"}}, "completion thinking"),
        ({"config": {"capabilities": ("image", "tools")}}, "image tools completion"),
        ({"projectors": [{"clip.has_audio_encoder": True}]}, "completion vision audio"),
        ({"projectors": [{"clip.has_audio_encoder": False}]}, "completion vision"),
        (
            {"projectors": [{"x.has_audio_encoder": True, "x.vision.projector_type": "gemma3nv"}]},
            "completion vision",
        ),
        ({"has_audio": True, "architecture": "nemotron_h_omni"}, "completion"),
        (
            {"has_vision": True, "config": {"model_format": "safetensors", "renderer": "gemma4-small"}},
            "completion",
        ),
    ],
)
def test_capabilities_are_listed_in_order_of_discovery(settings, expected):
    assert " ".join(found(**settings)) == expected


def test_a_model_without_weights_has_only_what_its_config_and_template_say(caplog):
    config = ModelConfig()
    with caplog.at_level(logging.WARNING, "corral.prompt"):
        assert capabilities(config, select_mode(config, None, "", None), None, None) == ()
    assert "unknown capabilities" in caplog.text


def test_a_template_that_cannot_be_parsed_reveals_nothing():
    assert found(template="{{ if }}") == ("completion",)

"""Which template of a model is used, and what the model can do.

Source: modelfile.md section 9, store.md section 6.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from corral.answer import FAMILIES
from corral.core.manifest import ModelConfig
from corral.core.model import Network, PromptMode
from corral.errors import TemplateError
from corral.prompt.render import template_of
from corral.template import Template, jinja_has_thinking, jinja_has_tool_round_trip, jinja_has_tools

log = logging.getLogger("corral.prompt")

_GPT_OSS = ("gptoss", "gpt-oss")


@dataclass(frozen=True, slots=True)
class Selection:
    """Who builds the prompts, with which template (None without any).

    `allows_template`: the TEMPLATE layer may speak for the model's capabilities.
    """

    mode: PromptMode
    text: str | None = None
    allows_template: bool = True


def select_mode(
    config: ModelConfig, template_text: str | None, chat_template: str, go_template_setting: bool | None
) -> Selection:
    """Who builds the prompts of a model: its family, its TEMPLATE, or the engine with the chat template.

    `template_text`: the TEMPLATE layer, None without one; `chat_template`: of the GGUF, or empty;
    `go_template_setting`: the setting OLLAMA_GO_TEMPLATE, None where it is not set.
    """
    if config.renderer or config.parser or config.model_format == "safetensors":
        return Selection(PromptMode.FAMILY, template_text, go_template_setting is not False)
    if _is_harmony(config, template_text):
        return Selection(PromptMode.HARMONY, template_text, go_template_setting is not False)
    allowed = go_template_setting
    if allowed is None:
        allowed = not (
            template_text and chat_template and _prefers_chat_template(template_text, chat_template)
        )
    if template_text is not None and allowed:
        return Selection(PromptMode.TEMPLATE, template_text)
    return Selection(PromptMode.NATIVE, chat_template or None, allowed)


def _is_harmony(config: ModelConfig, template_text: str | None) -> bool:
    text = template_text or ""
    return config.model_family in _GPT_OSS and "<|start|>" in text and "<|end|>" in text


def _prefers_chat_template(template_text: str, chat_template: str) -> bool:
    template = _parse(template_text)
    ours = set(_template_capabilities(template))
    theirs = set(_chat_template_capabilities(chat_template))
    our_round_trip = template is not None and template.has_tool_round_trip()
    their_round_trip = jinja_has_tool_round_trip(chat_template)
    if len(theirs) > len(ours):
        return their_round_trip or not our_round_trip
    return theirs == ours and "tools" in ours and their_round_trip and not our_round_trip


def capabilities(
    config: ModelConfig,
    selection: Selection,
    template_text: str | None,
    network: Network | None,
    projectors: Sequence[Mapping[str, object]] = (),
) -> tuple[str, ...]:
    """What the model can do, in order of discovery, the same for show, lists and checks.

    `network`: from the GGUF, None where the model has no readable weights; `projectors`: the metadata of
    each projector file. Nothing is read or opened here.
    """
    found = list(config.capabilities)
    if network is not None:
        if selection.mode is PromptMode.NATIVE:
            found += _chat_template_capabilities(network.chat_template)
        found.append(_purpose(network))
        found += ["vision"] * network.has_vision + ["audio"] * network.has_audio
    for metadata in projectors:
        found += ["vision", *(["audio"] if _has_audio(metadata) else [])]
    if template_text is not None and selection.allows_template:
        found += _template_capabilities(_parse(template_text))
    found += _parser_capabilities("harmony" if selection.mode is PromptMode.HARMONY else config.parser)
    if config.model_family in _GPT_OSS:
        found.append("thinking")
    removed = _removed(config, network)
    result = tuple(name for name in dict.fromkeys(found) if name not in removed)
    if not result:
        log.warning("unknown capabilities for model")
    return result


def _purpose(network: Network) -> str:
    # The engine makes scores or vectors of a file, never both.
    if network.is_reranker:
        return "rerank"
    return "embedding" if network.is_embedding else "completion"


def _chat_template_capabilities(text: str) -> list[str]:
    return ["tools"] * jinja_has_tools(text) + ["thinking"] * jinja_has_thinking(text)


def _template_capabilities(template: Template | None) -> list[str]:
    if template is None:
        return []
    found = ["tools"] if "tools" in template.variables else []
    found += ["insert"] if "suffix" in template.variables else []
    return found + (["thinking"] if template.thinking_tags() else [])


def _parser_capabilities(name: str) -> list[str]:
    info = FAMILIES.get(name)
    if info is None:
        return []
    return ["tools"] * info.tools + ["thinking"] * info.thinking


def _has_audio(metadata: Mapping[str, object]) -> bool:
    def ends(suffix: str) -> Iterable[object]:
        return (value for key, value in metadata.items() if key.endswith(suffix))

    if "gemma3nv" in ends(".vision.projector_type"):
        return False
    return any(value is True for value in ends(".has_audio_encoder"))


def _removed(config: ModelConfig, network: Network | None) -> set[str]:
    families = {config.model_family, *(config.model_families or ())}
    architecture = network.architecture if network else ""
    removed: set[str] = set()
    if "nemotron_h_omni" in {*families, architecture}:
        removed.add("audio")
    if config.model_format == "safetensors":
        is_gemma4 = config.renderer.startswith("gemma4")
        is_nano = "nemotron-3-nano" in (config.parser, config.renderer) or "nemotron_h_omni" in families
        if is_gemma4 or is_nano:
            removed |= {"audio", "vision"}
        if config.renderer == "glimmer":
            removed.add("audio")
    return removed


def _parse(text: str) -> Template | None:
    try:
        return template_of(text)
    except TemplateError as error:
        log.warning("template cannot be parsed: %s", error)
        return None

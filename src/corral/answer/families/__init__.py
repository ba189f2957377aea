"""The built-in parsers by the name that a model's config gives: one row a name, one file a family.

A family is removed by deleting its file and its rows. Source: modelfile.md section 15, http-api.md 11.5.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from corral.answer.families import (
    cohere,
    deepseek,
    gemma,
    glimmer,
    glm,
    harmony,
    lfm2,
    ministral,
    olmo3,
    passthrough,
    qwen3,
    qwen3_coder,
)
from corral.answer.families.setting import Builder, Setting
from corral.answer.parser import AnswerParser
from corral.core.messages import Message, Tool
from corral.core.requests import Think

log = logging.getLogger("corral.answer")


@dataclass(frozen=True, slots=True)
class FamilyInfo:
    """The capabilities that a parser grants to its model, and how it is made."""

    build: Builder
    tools: bool = False
    thinking: bool = False


FAMILIES: Mapping[str, FamilyInfo] = {
    "qwen3": FamilyInfo(qwen3.instruct, tools=True),
    "qwen3-thinking": FamilyInfo(qwen3.thinking, tools=True, thinking=True),
    "qwen3.5": FamilyInfo(qwen3_coder.thinking, tools=True, thinking=True),
    "ornith": FamilyInfo(qwen3_coder.thinking, tools=True, thinking=True),
    "qwen3-coder": FamilyInfo(qwen3_coder.coder, tools=True),
    "qwen3-vl-instruct": FamilyInfo(qwen3.instruct, tools=True),
    "qwen3-vl-thinking": FamilyInfo(qwen3.vision_thinking, tools=True, thinking=True),
    "ministral": FamilyInfo(ministral.instruct, tools=True),
    "passthrough": FamilyInfo(passthrough.plain),
    "harmony": FamilyInfo(harmony.harmony, tools=True, thinking=True),
    "cogito": FamilyInfo(deepseek.cogito, tools=True, thinking=True),
    "deepseek3": FamilyInfo(deepseek.deepseek, tools=True, thinking=True),
    "olmo3": FamilyInfo(olmo3.instruct, tools=True),
    "olmo3-think": FamilyInfo(olmo3.think, thinking=True),
    "nemotron-3-nano": FamilyInfo(qwen3_coder.thinking, tools=True, thinking=True),
    "nemotron-3.5-nano": FamilyInfo(qwen3_coder.thinking, tools=True, thinking=True),
    "functiongemma": FamilyInfo(gemma.functiongemma, tools=True),
    "glm-4.7": FamilyInfo(glm.glm, tools=True, thinking=True),
    "glm-ocr": FamilyInfo(glm.ocr, tools=True),
    "gemma4": FamilyInfo(gemma.gemma4, tools=True, thinking=True),
    "gemma4-no-thinking": FamilyInfo(gemma.gemma4, tools=True),
    "lfm2": FamilyInfo(lfm2.instruct, tools=True),
    "lfm2-thinking": FamilyInfo(lfm2.thinking, tools=True, thinking=True),
    "laguna": FamilyInfo(glm.laguna, tools=True, thinking=True),
    "poolside-v1": FamilyInfo(glm.poolside, tools=True, thinking=True),
    "cohere": FamilyInfo(cohere.command, tools=True, thinking=True),
    "glimmer": FamilyInfo(glimmer.glimmer, tools=True, thinking=True),
}


def family_parser(
    name: str, tools: Sequence[Tool], think: Think, last_message: Message | None
) -> AnswerParser | None:
    """The parser called `name` for one answer; None (and a warning) where no family has that name.

    `think` None counts as on for a family that reasons, in chat and generate alike.
    """
    info = FAMILIES.get(name)
    if info is None:
        log.warning("unknown parser: name=%s", name)
        return None
    thinks = info.thinking and (think is None or bool(think))
    return info.build(Setting(tuple(tools), thinks, last_message))
